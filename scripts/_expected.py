"""Take finished runs that differ in the seed alone as what is expected of a preset:

python scripts/_expected.py --preset laptop results/published/laptop results/seeds
"""

import argparse
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.stage.graph import read_graph
from speclm.study.preset import preset_file
from speclm.study.reference import make_reference, write_reference

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop")
    parser.add_argument(
        "runs", nargs="+", type=Path, help="folders of runs, published or not, each of one or more seeds"
    )
    given = parser.parse_args()
    try:
        config, _ = read_graph(ROOT, [preset_file(ROOT, given.preset)])
        made = make_reference(config, given.runs, read_table(ROOT / "config/methods.tsv"))
        path = write_reference(ROOT, given.preset, made)
    except UserError as error:
        sys.exit(str(error))
    print(f"{path}: {made.record['perplexities']} perplexities of seeds {made.record['seeds']}")
    for left in made.record["left_out"]:
        print(f"{left['seed']} beside the others: {left['outside']} outside, {left['unusual']} outside the usual range")
