"""Pin in envs/*.yaml all that a role's packages need: python scripts/_environments.py, the last step of `make lock`."""

from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.study.conda import complete

if __name__ == "__main__":
    envs = Path(__file__).resolve().parents[1] / "envs"
    for path in sorted(envs.glob("*.yaml")):
        path.write_text(complete(path.read_text(encoding="utf-8"), envs), encoding="utf-8")
