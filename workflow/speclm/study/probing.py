"""The speed of this machine at a configuration's own shapes, measured once for a run by bench/probe.py and kept there.

In go the configuration and the run's folder; out come the facts of results/{run}/.speed.json, measured again where the
shapes or the processor are others:

    {"tokens_per_second": {"slm": 71000, "slm_pn": 62000, "llm": 20000}, "core": 1.1, "machine": "EPYC", "of": "5f…"}
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speclm.stage import allocator
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, write_json
from speclm.stage.fingerprint import short_hash
from speclm.stage.summary import processor

KEPT = ".speed.json"
SHAPES = ("engine", "context", "tokenizer", "models", "pretrain")
LIMIT = 60.0  # seconds; a machine on which a step takes as long tells nothing in time


class Probe:
    """A measurement that is under way, or one that is kept."""

    def __init__(self, config: Mapping[str, Any], run: Path) -> None:
        self._file = run / KEPT
        self._of = short_hash({"processor": processor(), **{key: config[key] for key in SHAPES}})
        self._process = None if self.facts() else self._start(config)

    def facts(self) -> dict[str, Any] | None:
        """What was measured; None as long as it is not, or where it came to nothing."""
        try:
            found: dict[str, Any] = read_json(self._file)
        except (OSError, UserError):
            return None
        return found if found.get("of") == self._of else None

    @property
    def ready(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._process is None or self._process.poll() is not None

    def wait(self) -> dict[str, Any] | None:
        """The facts, as soon as there is nothing to wait for."""
        if self._process is not None:
            self._process.wait()
        return self.facts()

    def _start(self, config: Mapping[str, Any]) -> subprocess.Popen[bytes] | None:
        """In a process of its own, since PyTorch is none of the workflow's; killed after `LIMIT`."""
        given = self._file.with_suffix(".given.json")
        try:
            write_json(given, {**config, "of": self._of})
        except (OSError, UserError):
            return None
        command = [
            sys.executable,
            "-m",
            "speclm.bench.probe",
            str(given.resolve()),
            str(self._file.resolve()),
            str(LIMIT),
        ]
        paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **allocator.environment(), "PYTHONPATH": paths}
        none = subprocess.DEVNULL
        return subprocess.Popen(command, env=environment, start_new_session=True, stdin=none, stdout=none, stderr=none)


def probe_machine(config: Mapping[str, Any], run: Path) -> dict[str, Any] | None:
    """Measure this machine, or take what was measured before."""
    return Probe(config, run).wait()
