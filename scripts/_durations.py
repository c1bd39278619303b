"""Take the times of finished runs as the reference for progress: python scripts/_durations.py results/laptop …"""

import sys
from pathlib import Path

import pandas as pd

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table, write_table
from speclm.stage.progress import collect_durations

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    methods = read_table(ROOT / "config/methods.tsv")["method"].tolist()
    frames = [collect_durations(Path(run), methods) for run in sys.argv[1:]]
    write_table(ROOT / "config/reference/durations.tsv", pd.concat(frames))
