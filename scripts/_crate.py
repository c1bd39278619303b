"""A study in one archive, a Workflow Run RO-Crate: python scripts/_crate.py results/laptop (make crate)."""

import argparse
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.study.crate import own_domains, write_crate

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/{run} of a finished run, or results/published/{preset}")
    parser.add_argument("--own", action="store_true", help="with the records of your own domains: names of their files")
    arguments = parser.parse_args()
    results = arguments.results.resolve()
    archive = results / "crate.zip"
    try:
        files = write_crate(Path(__file__).resolve().parents[1], results, archive, arguments.own)
    except UserError as error:
        sys.exit(f"ERROR: {error}")
    print(f"{archive}: {files} files, {archive.stat().st_size / 1e6:.1f} MB")
    if not arguments.own and (left_out := own_domains(results)):
        print(f"Left out: your own domains {', '.join(left_out)}; OWN=yes (--own) takes their records in")
