"""Times of finished runs as the reference of what has no counted work: python scripts/_durations.py results/laptop …"""

import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.files import write_table
from speclm.stage.progress import collect_durations
from speclm.study.work import COUNTED

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    found = collect_durations([Path(run) for run in sys.argv[1:]], COUNTED)
    write_table(ROOT / "config/reference/durations.tsv", found)
