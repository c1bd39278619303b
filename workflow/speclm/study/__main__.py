"""Published results again, from the repository's root with PYTHONPATH=workflow; in seconds, without torch:

python -m speclm.study laptop                         every table, figure and verdict that the published metrics allow
python -m speclm.study laptop figure_4b table_3       these alone
python -m speclm.study laptop claim_7                 one verdict, printed; ablations/claim_11 with the variants
python -m speclm.study laptop --cost device_hours --output results/hours      in measured hours, not in counted FLOPs
python -m speclm.study laptop --publish               copy a finished results/laptop/ to results/published/laptop/
python -m speclm.study study --publish --join         its seeds beside those that are published already
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.surroundings import settle
from speclm.study.cost import UNITS

REPOSITORY = Path(__file__).parents[3]


def main(arguments: list[str]) -> int:
    """Make or publish; 1 where the user asked for what there is not."""
    settle()
    parser = argparse.ArgumentParser(prog="python -m speclm.study")
    parser.add_argument("preset", help="a folder of results/published")
    parser.add_argument("names", nargs="*", metavar="NAME", help="figure_4b, table_3, claims, claim_7, …; default: all")
    parser.add_argument("--output", type=Path, help="where tables/ and figures/ go; default: the preset's folder")
    parser.add_argument(
        "--cost", choices=UNITS, help="what costs are counted in; default: as in the run; with --output"
    )
    parser.add_argument("--publish", action="store_true", help="copy the run's files there first")
    parser.add_argument("--join", action="store_true", help="with --publish: keep the seeds that are published already")
    chosen = parser.parse_args(arguments)
    if chosen.join and not chosen.publish:
        parser.error("--join needs --publish: it keeps what is published beside what is published now")
    if chosen.cost and not chosen.output:
        parser.error("--cost needs --output: the preset's folder keeps the unit of the run")
    try:
        _make(chosen)
    except UserError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def _make(chosen: argparse.Namespace) -> None:
    from speclm.study.claims import judge_one
    from speclm.study.gallery import write_gallery
    from speclm.study.published import choose, make_all, open_published
    from speclm.study.publishing import publish
    from speclm.study.seeds import publish_joined

    if chosen.publish:
        run, folder = (REPOSITORY / place / chosen.preset for place in ("results", "results/published"))
        publish_joined(run, folder) if chosen.join else publish(run, folder)
    published = open_published(chosen.preset, REPOSITORY, chosen.cost)
    names = choose(chosen.names, published)
    output = chosen.output or published.folder
    for study in filter(None, (published, published.variants)):
        study.evidence  # noqa: B018  files that are not one run's are refused before anything is made
    results = [name for name in names if "claim_" not in name]
    said = {name: words for name, words in make_all(published, results, output) if words}
    for name, words in said.items():
        print(f"{name:<10} {words}")
    made = len(results) - sum(words.startswith("not made") for words in said.values())
    if results:
        print(f"{made} of {len(results)} tables, figures, pages and lists of verdicts made in {output}:")
        print("\n".join(_files(output, [name for name in results if not said.get(name, "").startswith("not made")])))
    if not chosen.names and output == published.folder:
        write_gallery(REPOSITORY)
        print("and beside them: results/published/README.md, and the table of README.md")
    for name in names:
        if name not in results:
            row, parts = judge_one(int(name.rpartition("_")[2]), published.study_of(name).evidence)
            print("\n".join(f"{key}: {value}" for key, value in row.items()))
            print("\n".join(f"  {part['verdict']:<22}{part['measured']:+.3f}  {part['part']}" for part in parts))


def _files(output: Path, names: Iterable[str]) -> Iterator[str]:
    """The files of what was made, a line for each: "figures/figure_1.pdf, .png"."""
    for name in names:
        study, _, stem = name.rpartition("/")
        found = sorted(
            path for place in (".", "tables", "figures") for path in (output / study / place).glob(f"{stem}.*")
        )
        if found:
            kinds = "".join(f", {path.suffix}" for path in found[1:])
            yield f"  {found[0].relative_to(output)}{kinds}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
