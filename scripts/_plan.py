"""What a study will take, before anything runs: python scripts/_plan.py --preset paper (make plan PRESET=paper)."""

import argparse
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.study.preset import plan_preset
from speclm.study.probing import probe_machine

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="laptop", help="name of a preset, or a file laid over config/config.yaml")
    parser.add_argument("--target", choices=["all", "ablations"], default="all", help="the study or its variants")
    parser.add_argument("--tokens-per-second", type=float, help="of the SLM's training on the device")
    parser.add_argument("--device", help="GPU whose peak is taken, such as H100")
    parser.add_argument("--mfu", type=float, help="share of that peak, between 0 and 1; left out: the paper's")
    parser.add_argument("--cores", type=int, default=2, help="of this machine, that the run would have")
    given = parser.parse_args()
    try:
        speed = given.tokens_per_second, given.device, given.mfu
        print(plan_preset(ROOT, given.preset, given.target, *speed, given.cores, probe_machine), end="")
    except UserError as error:
        sys.exit(str(error))
