"""A run's numbers beside those expected of it: python scripts/_check.py --preset laptop (make check)."""

import argparse
import subprocess
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.study.check import check_run, write_comparison
from speclm.study.preset import preset_file
from speclm.study.reference import open_reference

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="laptop", help="whose expected numbers: config/reference/expected-….tsv")
    parser.add_argument("--run", type=Path, help="folder of a run of the same settings; default: results/PRESET")
    parser.add_argument("--full", action="store_true", help="every row, those that could not have told a fault too")
    parser.add_argument("--cores", help="bring results/PRESET up to date first, with so many cores")
    given = parser.parse_args()
    try:
        reference = open_reference(ROOT, given.preset)
        if given.cores:
            words = ["--cores", given.cores, "--quiet", "rules", "host", "progress", "--configfile"]
            words += [str(preset_file(ROOT, given.preset))]
            ended = subprocess.run([sys.executable, "-m", "snakemake", *words], cwd=ROOT, check=False)
            if ended.returncode:
                sys.exit(ended.returncode)
        folder = given.run or ROOT / "results" / given.preset
        found = check_run(folder, reference, read_table(ROOT / "config/methods.tsv"))
    except UserError as error:
        sys.exit(str(error))
    print(write_comparison(found, reference.record, given.full), end="")
    sys.exit(0 if found["within"].all() else 1)
