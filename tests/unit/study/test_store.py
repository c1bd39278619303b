"""A tracking store that is locked, read-only, full, damaged or out of reach ends an import with what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import sole
from speclm.study import store
from speclm.study.store import database_of, environment, open_store, public, serve_command
from unit.study.tracked import address, file_system, mount

ROOT = Path(__file__).parents[3]


def test_a_database_is_made_whole_and_found_again(prepared: Path, tmp_path: Path) -> None:
    assert [path.name for path in prepared.parent.iterdir()] == ["mlflow.db"]
    with closing(sqlite3.connect(prepared)) as connection:
        assert connection.execute("SELECT name FROM experiments").fetchall() == [("Default",)]
    before = prepared.read_bytes()
    with open_store(address(prepared)) as client:
        assert client.get_experiment_by_name("toy") is None
    assert prepared.read_bytes() == before


def test_locked_by_another_program(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAIT", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            UserError, match="another program is writing to it\nRemedy: wait for that program, or end it"
        ):
            refused(address(database))


def test_two_imports_at_once(database: Path) -> None:
    with sole(database.parent, database), pytest.raises(UserError, match="another process is at work here"):
        refused(address(database))


def test_read_only(database: Path, tmp_path: Path) -> None:
    with file_system(tmp_path / "disk", "8m") as disk:
        shutil.copy(database, disk / "mlflow.db")
        assert mount("-o", "remount,ro", str(disk)) == 0
        with pytest.raises(
            UserError, match="it may not be written\nRemedy: give write permission, or import elsewhere"
        ):
            refused(address(disk / "mlflow.db"))


def test_no_room_for_a_new_database(tmp_path: Path) -> None:
    with file_system(tmp_path / "disk", "200k") as disk:
        with pytest.raises(UserError, match=r"its disk is full\nRemedy: make room there"):
            refused(address(disk / "mlflow.db"))
        assert list(disk.iterdir()) == []


def test_no_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database but a text, long enough to be taken for one" * 100)
    with pytest.raises(UserError, match="it is no database, or a damaged one\nRemedy: move it away"):
        refused(address(tmp_path / "mlflow.db"))


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    told = "nothing answers there\nRemedy: start the server, or correct TRACKING_URI"
    with pytest.raises(UserError, match=told), open_store(f"http://127.0.0.1:{free_port()}") as client:
        client.search_experiments()


def test_a_bug_is_not_told_as_a_fault_of_the_store(database: Path) -> None:
    with pytest.raises(KeyError), open_store(address(database)):
        raise KeyError("a bug")


def test_passwords_are_not_told() -> None:
    assert public("postgresql://me:secret@host:5432/runs") == "postgresql://me:…@host:5432/runs"
    assert public("https://host/path") == "https://host/path"
    assert "secret" not in " ".join(serve_command("postgresql://me:secret@host/runs", free_port()))


def test_addresses_of_database_files() -> None:
    assert database_of("sqlite:///results/mlflow.db") == Path("results/mlflow.db")
    assert database_of("sqlite:////data/mlflow.db") == Path("/data/mlflow.db")
    with pytest.raises(UserError, match="names no file"):
        database_of("sqlite://")


def test_pages_are_served_on_the_loopback_address_alone(database: Path) -> None:
    port = free_port()
    command = serve_command(address(database), port)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == str(port)
    with closing(socket.create_server(("127.0.0.1", port))), pytest.raises(UserError, match=f"port {port} is taken"):
        serve_command(address(database), port)


@pytest.mark.parametrize(
    ("uri", "message"),
    [("sqlite:///absent/mlflow.db", "import a study first"), ("http://host", "open it in a browser")],
)
def test_pages_that_cannot_be_served(uri: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        serve_command(uri, free_port())


def test_mlflow_is_loaded_with_its_telemetry_off_and_only_when_needed(database: Path) -> None:
    code = """
import sys
from speclm.study import entries, store, tracking
assert "mlflow" not in sys.modules
with store.open_store(sys.argv[1]):
    from mlflow.telemetry import get_telemetry_client
    assert get_telemetry_client() is None
"""
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_CURRENT_TEST")}
    subprocess.run([sys.executable, "-c", code, address(database)], cwd=ROOT / "workflow", check=True, env=kept)
    assert environment("sqlite:///x.db")["MLFLOW_DISABLE_TELEMETRY"] == "true"


def refused(uri: str) -> None:
    """Open a store; nobody gets into the block."""
    with open_store(uri):
        raise AssertionError(uri)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port
