"""Run the benchmark: ``python -m speclm.bench [--only NAME …]`` (from the repository's root, PYTHONPATH=workflow).

Writes results/bench/: bench.tsv (the table, printed too), machine.json (what it was measured on) and profile.tsv (the
operators of our step). With --only the other measurements are left out, and of the files.

`python -m speclm.bench relative_cost [--configfile …]` measures that setting at a configuration's own shapes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from speclm.stage.surroundings import settle

REPOSITORY = Path(__file__).parents[3]
OUTPUT = Path("results/bench")
ROUNDS = 12
SECONDS = 1.0
TEXT_BYTES = 8_000_000


def main(arguments: list[str]) -> int:
    """Measure, write and print."""
    settle()
    import yaml

    from speclm.bench import table
    from speclm.bench.bench import Bench
    from speclm.bench.machine import describe_machine
    from speclm.bench.measurements import MEASUREMENTS
    from speclm.bench.operators import write_profile
    from speclm.stage.files import write_json

    if arguments[:1] == ["relative_cost"]:
        from speclm.bench.relative_cost import main as measure_relative_cost

        print(measure_relative_cost(arguments[1:], REPOSITORY, ROUNDS, SECONDS))
        return 0

    names = [measurement.name for measurement in MEASUREMENTS]
    parser = argparse.ArgumentParser(prog="python -m speclm.bench")
    parser.add_argument("--only", nargs="+", choices=[*names, "profile"], default=[*names, "profile"])
    only = parser.parse_args(arguments).only
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))
    rows = []
    with TemporaryDirectory() as folder:
        bench = Bench(config, REPOSITORY, Path(folder), ROUNDS, SECONDS, TEXT_BYTES)
        write_json(OUTPUT / "machine.json", describe_machine(bench))
        for measurement in MEASUREMENTS:
            if measurement.name in only:
                print(f"measuring: {measurement.name}", file=sys.stderr, flush=True)
                rows += table.rows(measurement, measurement.measure(bench))
                table.write(OUTPUT / "bench.tsv", rows)
        if "profile" in only:
            write_profile(bench, OUTPUT / "profile.tsv")
    print(table.text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
