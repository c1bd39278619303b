"""Signals set a flag, and the handlers of before come back; a handler may wait for a lock of the code that it meets."""

import os
import signal
import threading
from typing import Any

import pytest

from speclm.stage.interrupt import StopFlag, handle_in_thread, in_thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_only_sets_the_flag(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopFlag() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
    assert signal.getsignal(number) is before


def test_a_handler_may_take_a_lock_of_the_code_that_the_signal_meets() -> None:
    lock, stopping = threading.Lock(), threading.Event()

    def stop(*arguments: Any) -> None:
        if lock.acquire(timeout=5):
            stopping.set()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        handle_in_thread(signal.SIGTERM)
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not stopping.is_set()
        assert stopping.wait(5)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_method_that_waits_for_its_objects_lock_gets_it_when_the_caller_lets_go() -> None:
    class Scheduler:
        def __init__(self) -> None:
            self.lock, self.stopped = threading.Lock(), threading.Event()

        def stop(self, *arguments: Any) -> None:
            with self.lock:
                self.stopped.set()

    Scheduler.stop = in_thread(Scheduler.stop)  # type: ignore[method-assign]
    scheduler = Scheduler()
    with scheduler.lock:
        scheduler.stop(signal.SIGTERM, None)
        assert not scheduler.stopped.is_set()
    assert scheduler.stopped.wait(5)
