"""A tracking store of MLflow: opened for an import, served for a browser, told of in the user's words when it fails.

In: an address that MLflow knows; by default that of a database below results/, made when it is first needed. Out: an
`MlflowClient`, or a `UserError` with what is wrong and what to do:

    sqlite:///results/tracking/mlflow.db: the tracking store cannot be used: another program is writing to it

MLflow is loaded only here, and with its telemetry off.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from speclm.stage.errors import UserError
from speclm.stage.files import atomic, sole
from speclm.study.tracked_views import CURVES, MODELS, TAG

DEFAULT_STORE = "sqlite:///results/tracking/mlflow.db"
LOOPBACK = "127.0.0.1"
WAIT = 5.0  # seconds that another writer of the database is waited for

_LIBRARIES = ("mlflow.", "sqlalchemy.", "alembic.")  # whose errors are the store's
_ELSEWHERE = "or import elsewhere with TRACKING_URI=sqlite:////…/mlflow.db"
# What went wrong, by words of the many libraries between here and the disk; what that means; what to do.
_FAULTS = (
    (("database is locked",), "another program is writing to it", "wait for that program, or end it"),
    (
        ("readonly database", "unable to open database file", "Read-only file system", "Permission denied"),
        "it may not be written",
        f"give write permission, {_ELSEWHERE}",
    ),
    (
        ("disk is full", "disk I/O error", "No space left", "Disk quota exceeded", "File too large"),
        "its disk is full",
        f"make room there, {_ELSEWHERE}",
    ),
    (
        ("not a database", "malformed"),
        "it is no database, or a damaged one",
        "move it away (an import makes a new one) or name another with TRACKING_URI=…",
    ),
    (
        ("out-of-date database schema",),
        "another version of MLflow made it",
        "copy it, then run .venv/bin/mlflow db upgrade with its address",
    ),
    (
        ("Max retries exceeded", "Connection refused", "Failed to establish"),
        "nothing answers there",
        "start the server, or correct TRACKING_URI",
    ),
)


@contextmanager
def open_store(uri: str) -> Iterator[Any]:
    """An `MlflowClient`. A database file is made when it is not there, and other imports are kept out of it.

    Raises:
        UserError: the store is locked, may not be written, is full, damaged or out of reach: now or within the block.
    """
    try:
        if urlsplit(uri).scheme != "sqlite":
            yield _client(uri)
            return
        database = database_of(uri)
        with sole(database.parent, database):
            if not database.exists():
                with atomic(database) as temporary:  # MLflow cannot go on with tables that a killed process half made
                    _client(f"sqlite:///{temporary.resolve()}")
            _refuse_unwritable(database)
            yield _client(uri)
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError | sqlite3.Error) or type(error).__module__.startswith(_LIBRARIES):
            raise _explain(error, public(uri)) from error
        raise


def serve_command(uri: str, port: int) -> list[str]:
    """The command that serves a store's pages on this machine's loopback address, in the environment of `environment`.

    Raises:
        UserError: it is a server already, there is no such database, or the port is taken.
    """
    if urlsplit(uri).scheme in ("http", "https"):
        raise UserError(f"{public(uri)} is a server already", key="TRACKING_URI", remedy="open it in a browser")
    files = Path("results/tracking/artifacts")
    if urlsplit(uri).scheme == "sqlite":
        files = database_of(uri).parent / "artifacts"
        if not database_of(uri).exists():
            raise UserError("is not there", where=database_of(uri), remedy="import a study first: make track")
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UserError(f"port {port} is taken", key="PORT", remedy="name another: make ui PORT=5001") from error
    served = ["--host", LOOPBACK, "--port", str(port), "--workers", "1", "--artifacts-destination", str(files)]
    return [sys.executable, "-m", "mlflow", "server", *served]


def pages(port: int) -> list[str]:
    """Of every experiment, the one changed last first, where its models and its curves are to be seen.

    Raises:
        OSError: the server does not answer.
    """
    root = f"http://{LOOPBACK}:{port}"
    wanted = json.dumps({"max_results": 100, "order_by": ["last_update_time DESC"]}).encode()
    asked = Request(f"{root}/api/2.0/mlflow/experiments/search", wanted, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=WAIT) as answer:
        found = json.load(answer).get("experiments", [])
    own = [each for each in found if any(tag["key"].startswith(TAG) for tag in each.get("tags", []))]
    return [
        f"{each['name']}, {what}: {root}/#/experiments/{each['experiment_id']}/runs?viewStateShareKey={key}{mode}"
        for each in own
        for what, key, mode in (("models", MODELS, ""), ("curves", CURVES, "&compareRunsMode=CHART"))
    ] or [f"{root} (no study was imported: make track)"]


def environment(uri: str) -> dict[str, str]:
    """What MLflow is told before it is loaded: no telemetry, no minutes of retries where nothing answers, and the store
    of a server (which may hold a password, and so stands in no command).
    """
    retries = os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": retries,
        "MLFLOW_BACKEND_STORE_URI": uri,
    }


def database_of(uri: str) -> Path:
    """The file of an address: sqlite:///here.db, sqlite:////there/absolute.db.

    Raises:
        UserError: it names none.
    """
    path = urlsplit(uri).path.removeprefix("/")
    if not path:
        raise UserError(f'"{uri}" names no file', key="TRACKING_URI", remedy=f"write it like {DEFAULT_STORE}")
    return Path(path)


def public(uri: str) -> str:
    """An address without the password in it."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":…@")))


def _client(uri: str) -> Any:
    os.environ.update(environment(uri))
    from mlflow import MlflowClient  # two seconds

    return MlflowClient(tracking_uri=uri)


def _refuse_unwritable(database: Path) -> None:
    """Write and take it back: MLflow itself would go on trying for minutes."""
    with closing(sqlite3.connect(database, timeout=WAIT, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("ROLLBACK")


def _explain(error: Exception, where: str) -> UserError:
    said, cause = "", error
    while cause is not None:
        said += f"{cause}\n"
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    known = [(meaning, remedy) for words, meaning, remedy in _FAULTS if any(word in said for word in words)]
    first = said.strip().partition("\n")[0] or type(error).__name__
    meaning, remedy = known[0] if known else (first, "see the log for all that was said")
    return UserError(
        f"the tracking store cannot be used: {meaning}",
        where=where,
        remedy=f"{remedy}; then run the same command again: results are as they were, and what was imported stays",
    )
