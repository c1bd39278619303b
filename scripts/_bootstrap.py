"""Puts workflow/ on the path, so that scripts find speclm without an installation. Importing it does it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow"))
