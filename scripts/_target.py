"""For a target that the Makefile does not have: the one that may be meant. It runs before anything is installed."""

import sys

import _bootstrap  # noqa: F401
from speclm.stage.settings import nearest

if __name__ == "__main__":
    name, *known = sys.argv[1:]
    print(f'There is no target "{name}"{nearest(name, known)}\nRemedy: one of {", ".join(known)}', file=sys.stderr)
    sys.exit(2)
