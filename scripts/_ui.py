"""Open the pages of MLflow on this machine's loopback address: python scripts/_ui.py --port 5000 (make ui)."""

import argparse
import os
import sys
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.study.store import DEFAULT_STORE, environment, serve_command

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5000)
    port = parser.parse_args().port
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE
    os.chdir(Path(__file__).parents[1])
    try:
        command = serve_command(uri, port)
    except UserError as error:
        sys.exit(str(error))
    print(f"MLflow: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    os.execve(command[0], command, {**os.environ, **environment(uri)})
