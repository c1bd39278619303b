"""Puts workflow/ on the path, so that scripts find speclm without an installation, and forgets what the terminal says
of displays and homes that are of no use here. Importing it does it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow"))

from speclm.stage.surroundings import settle

settle()
