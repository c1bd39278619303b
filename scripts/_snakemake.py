"""Snakemake's command, as .venv/bin/snakemake: what is typed is looked through first (speclm.stage.command)."""

import os
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.command import check_command
from speclm.stage.errors import UserError

if __name__ == "__main__":
    try:
        check_command(sys.argv[1:], Path.cwd(), Path(__file__).resolve().parents[1])
    except UserError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        sys.exit(1)
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])
