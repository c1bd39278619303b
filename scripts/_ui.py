"""Open the pages of MLflow on this machine's loopback address: python scripts/_ui.py --port 5000 (make ui)."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import _bootstrap  # noqa: F401
from speclm.stage.errors import UserError
from speclm.study.store import DEFAULT_STORE, environment, pages, serve_command


def tell_when_ready(server: subprocess.Popen, port: int) -> None:
    """Print the addresses as soon as the server answers."""
    while server.poll() is None:
        try:
            found = pages(port)
        except OSError:
            time.sleep(0.5)
            continue
        print("\n".join(["MLflow answers (Ctrl-C ends it):", *(f"  {page}" for page in found)]), flush=True)
        return


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
    print("MLflow starts: 5 to 20 seconds", flush=True)
    server = subprocess.Popen(command, env={**os.environ, **environment(uri)})
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        tell_when_ready(server, port)
        server.wait()
    except KeyboardInterrupt:  # the server has it, too
        server.wait()
    sys.exit(0 if server.returncode in (0, -signal.SIGINT, -signal.SIGTERM) else server.returncode)
