"""A run's verdicts beside those of the published study, make demo's last words: scripts/_verdicts.py results/laptop."""

import argparse
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.study.published_verdicts import beside_published

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument(
        "--study", type=Path, default=ROOT / "results/published/study", help="folder of a published study"
    )
    given = parser.parse_args()
    try:
        if not (given.run / "claims.tsv").is_file():
            raise UserError(
                "is not there", where=given.run / "claims.tsv", remedy="make demo first, or name a finished run"
            )
        print(beside_published(read_table(given.run / "claims.tsv"), given.study), end="")
    except UserError as error:
        sys.exit(str(error))
