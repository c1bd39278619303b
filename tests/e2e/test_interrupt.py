"""Stopped in the middle and run again: the same bytes as a run that nobody disturbed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from e2e.conftest import Clone, stable_bytes


def wait_for_training(clone: Clone, pattern: str, process: subprocess.Popen[bytes]) -> None:
    """Until a training has saved its first checkpoint in scratch."""
    for _ in range(1200):
        if list(clone.results.glob(pattern)) or process.poll() is not None:
            return
        time.sleep(0.1)
    raise TimeoutError(pattern)


def unlock(clone: Clone) -> None:
    clone.snakemake("--unlock")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    smoke: Clone, new_clone: Callable[[], Clone], how: signal.Signals
) -> None:
    clone = new_clone()
    process = clone.start()
    pattern = (
        "pretrain/**/.scratch-*/**/*.safetensors" if how == signal.SIGKILL else "specialize/**/.scratch-*/**/*.json"
    )
    wait_for_training(clone, pattern, process)
    assert process.poll() is None, "the run ended before it could be stopped"
    os.killpg(process.pid, how)
    process.wait(timeout=60)
    unlock(clone)
    clone.snakemake("--rerun-incomplete")
    expected, found = stable_bytes(smoke.results), stable_bytes(clone.results)
    assert [name for name in expected if expected[name] != found.get(name)] == []
    assert not list(clone.results.glob("**/.scratch-*/*"))
