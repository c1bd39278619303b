"""Where a result comes from: python scripts/_explain.py results/laptop/tables/table_8.md (make explain FILE=…)."""

import argparse
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.stage.explanation import explain

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a file of results/{run}/ that a stage made")
    parser.add_argument("--full", action="store_true", help="every step, with its settings and all that it read")
    given = parser.parse_args()
    try:
        print(explain(given.file, given.full), end="")
        if not given.full:
            print("\nEach step with its settings, checksums and machine: --full (make explain FULL=yes FILE=…)")
    except UserError as error:
        sys.exit(f"ERROR: {error}")
