"""One stage in several processes: started together, ended together, with one reason when one of them fails.

A stage whose settings ask for more than one process of the engine is started anew that many times, as
``torchrun --nproc-per-node N -m speclm STAGE JOB.json`` does by hand, by the same part of the library. Each process
(a rank) has a log of its own; the first writes what the stage writes. A signal to the one that launched them reaches
all of them: they save and end. When one fails, the others are ended, and this is what the user reads:

    ERROR in pretrain_model: process 1 of 2 was ended by SIGKILL
    Remedy: …
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speclm.stage.errors import UserError
from speclm.stage.files import read_json
from speclm.stage.interrupt import EXIT_INTERRUPTED, Interrupted

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
SAVING_SECONDS = 600  # that the ranks have to save when they are asked to stop
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # where torchrun looks for a rank's reason


def rank() -> int | None:
    """The number of this process among those of its stage; None where it is the only one."""
    number = os.environ.get("RANK")
    return None if number is None else int(number)


def tell_launcher(reason: str) -> None:
    """Leave a rank's reason to fail where the process that launched it finds it."""
    if ERROR_FILE in os.environ:
        message = {"message": reason, "extraInfo": {"timestamp": str(int(time.time()))}}
        Path(os.environ[ERROR_FILE]).write_text(json.dumps({"message": message}), encoding="utf-8")


def launch(stage: str, job: Path, processes: int) -> None:
    """Run a stage in so many processes of this machine, and wait for their end.

    Raises:
        UserError: one of them failed; it says which, and why.
        Interrupted: they were asked to stop, and have saved.
    """
    from torch import distributed

    if not distributed.is_available():
        raise UserError(
            "this build of torch has no torch.distributed",
            key="engine.processes",
            remedy="set it to 1, or install a build of torch that has it",
        )
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger(
        "torch.distributed"
    ).handlers = logging.getLogger().handlers  # torchrun's words belong into the log
    package = str(Path(__file__).parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=f"{stage}-{os.getpid()}",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",  # any free port
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder, redirects=Std.ALL),
            signals_to_handle=SIGNALS,
            shutdown_timeout=SAVING_SECONDS,
        )
        try:
            elastic_launch(config, sys.executable)("-m", "speclm", stage, str(job))
        except SignalException as stop:
            reasons = sorted(Path(folder).rglob("error.json"), key=lambda path: path.stat().st_mtime)
            if reasons:
                raise _retold(read_json(reasons[0])) from stop
            raise Interrupted("with all its processes") from stop
        except ChildFailedError as error:
            failures = list(error.failures.values())
            if all(failure.exitcode == EXIT_INTERRUPTED for failure in failures):
                raise Interrupted("with all its processes") from error
            raise explain(failures, processes, Path(folder)) from error


def explain(failures: list[ProcessFailure], processes: int, outputs: Path) -> UserError:
    """The failure that comes first in meaning: a process's own reason, a signal from outside, anything else.

    A process whose peer is gone fails as well, so that the first in time says little.

    Args:
        failures: one of each process that failed, as torchrun reports them.
        outputs: folder of what the processes wrote, {…}/{rank}/stderr.log.
    """
    told = [failure for failure in failures if isinstance(failure.message, dict)]
    if told:
        return _retold(told[0].error_file_data)
    # SIGTERM is what the others are ended with
    first = min(failures, key=lambda failure: (failure.exitcode == -signal.SIGTERM, failure.exitcode >= 0))
    who = f"process {first.local_rank} of {processes}"
    if first.exitcode < 0:
        return UserError(
            f"{who} was ended by {first.signal_name()}",
            remedy="run the same command again: it goes on from the last checkpoint. If the system ended it "
            "for want of memory, lower micro_batch",
        )
    said = "".join(path.read_text(errors="replace") for path in outputs.rglob(f"{first.local_rank}/stderr.log"))
    logging.getLogger(__name__).error("%s wrote:\n%s", who, said)
    return UserError(
        f"{who} failed with exit code {first.exitcode}", remedy="see the log of this stage, and of each process"
    )


def _retold(record: Any) -> UserError:
    """The error of a rank, from the file that it left."""
    message, _, remedy = record["message"]["message"].partition("\nRemedy: ")
    return UserError(message, remedy=remedy)
