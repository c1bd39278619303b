"""The study, one seed after another: python scripts/_study.py --seeds 17 18 (make study SEEDS='17 18').

Each seed's measurements are published as soon as it ends, with those that are published already; a seed that is
published is passed over. Stopped, the same command goes on.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import yaml

import _bootstrap  # noqa: F401
from speclm.stage.files import read_json
from speclm.study.__main__ import main as publish

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config/study.yaml"


def main(seeds: list[int], cores: int) -> int:
    record = ROOT / "results/published/study/run.json"
    for seed in seeds:
        published = read_json(record)["settings"]["study"]["seeds"] if record.exists() else []
        if seed in published:
            print(f"Seed {seed} is published already: passed over.", flush=True)
            continue
        words = ["--cores", str(cores), "--quiet", "rules", "host", "progress", "--configfile", str(CONFIG)]
        words += ["--config", f"seeds=[{seed}]"]
        ended = subprocess.run([sys.executable, "-m", "snakemake", *words], cwd=ROOT, check=False)
        if ended.returncode:
            return ended.returncode
        if refused := publish(["study", "--publish", "--join"]):
            return refused
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=yaml.safe_load(CONFIG.read_text())["seeds"])
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    sys.exit(main(given.seeds, given.cores))
