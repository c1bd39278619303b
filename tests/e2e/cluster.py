"""A real SLURM of one node, on the loopback address, for a test: installed, started, and stopped without a trace.

Everything but Debian's programs lies in one folder: key and socket of munge, configuration, state, database, logs.
Ports are free ones, so that two of them do not meet. Programs find their configuration through wrappers in `bin`, which
a test puts first on its PATH; a SLURM that this machine may belong to is not touched.

    cluster = Cluster.start(cpus=4, gpus=2, accounting=False)      # 2 seconds; with accounting 8
    subprocess.run(["sbatch", "--wrap", "true"], env=cluster.environment())
    cluster.stop()

The partition `main` is preempted (requeued after GRACE_SECONDS) by jobs of the partition `urgent`. GPUs are stand-ins:
SLURM counts and hands them out, and nothing is behind them. With accounting, `sacct` tells of ended jobs from a
database of its own (MariaDB), and jobs are charged to the account `project`.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from e2e.packages import find, require

PACKAGES = ["slurmctld", "slurmd", "slurm-client", "munge", "slurmdbd", "mariadb-server"]
PROGRAMS = ["sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun", "sshare"]
DAEMONS = ["munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd"]  # in the order in which they start
GRACE_SECONDS = 120  # for a busy machine: a training that ends sooner is not waited for
NODE = socket.gethostname().partition(".")[0]

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
{accounting}
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=50000,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
ReturnToService=2
KillWait={grace}
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime={grace}
PartitionName=urgent Nodes={node} MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
"""

NO_ACCOUNTING = """\
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none"""
ACCOUNTING = """\
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageEnforce=associations
AccountingStorageHost=127.0.0.1
AccountingStoragePort={database_port}
AccountingStoragePass={folder}/munge.socket"""

DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost={node}
DbdAddr=127.0.0.1
DbdPort={database_port}
SlurmUser={user}
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser={user}
StorageLoc=accounting
"""


def install() -> None:
    """Install Debian's packages where they are missing.

    Raises:
        UnavailableError: they cannot be had here.
    """
    require(DAEMONS + PROGRAMS, PACKAGES)


@dataclass(frozen=True)
class Cluster:
    """A running SLURM."""

    folder: Path
    accounting: bool

    @classmethod
    def start(cls, cpus: int, gpus: int, accounting: bool) -> Cluster:
        """Start munge, the controller and the node, and wait until the node takes jobs."""
        cluster = cls(Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp")), accounting)  # a socket's path must be short
        cluster.folder.chmod(0o755)
        cluster._configure(cpus, gpus)
        try:
            for daemon in cluster.daemons:
                cluster.begin(daemon)
            wait_for(lambda: cluster.ask("sinfo", "--noheader", "--format=%T") == "idle", 30, "an idle node")
        except BaseException as error:
            for log in sorted(cluster.folder.glob("*.log")):
                error.add_note(f"{log.name}:\n{log.read_text()[-2000:]}")
            cluster.stop()
            raise
        return cluster

    @property
    def daemons(self) -> list[str]:
        """What runs, in the order in which it starts."""
        return [name for name in DAEMONS if self.accounting or name not in ("mariadbd", "slurmdbd")]

    def stop(self) -> None:
        """End all jobs and daemons, and remove the folder."""
        if self._process("slurmctld"):
            subprocess.run([self.folder / "bin/scancel", "--full", f"--user={getpass.getuser()}"], check=False)
            wait_for(lambda: not self.ask("squeue", "--noheader"), 300, "the end of all jobs")
        for daemon in reversed(self.daemons):
            self.end(daemon)
        for process in self._left():
            process.kill()
        shutil.rmtree(self.folder)

    def environment(self) -> dict[str, str]:
        """The environment in which SLURM's programs speak to this one."""
        return {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def ask(self, *command: str) -> str:
        """What a program of SLURM answers."""
        ended = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False, timeout=60)
        return ended.stdout.strip()

    def begin(self, daemon: str) -> None:
        """Start one daemon, and wait until it answers or has gone to the background."""
        folder, program = self.folder, find(daemon)
        assert program, daemon
        if daemon == "mariadbd":
            self._begin_database(program)
            return
        commands = {
            "munged": ["--force", f"--socket={folder}/munge.socket", f"--key-file={folder}/munge.key",
                       f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
                       f"--seed-file={folder}/munged.seed"],
            "slurmdbd": [],
            "slurmctld": ["-f", f"{folder}/slurm.conf"],
            "slurmd": ["-f", f"{folder}/slurm.conf", "-N", NODE],
        }  # fmt: skip
        environment = os.environ | {"SLURM_CONF": f"{folder}/slurm.conf", "MYSQL_UNIX_PORT": f"{folder}/mariadb.socket"}
        subprocess.run([program, *commands[daemon]], check=True, capture_output=True, timeout=30, env=environment)
        if daemon == "slurmdbd":
            wait_for(lambda: "Cluster" in self.ask("sacctmgr", "list", "cluster"), 30, "the accounting")
            me = getpass.getuser()
            for change in ("add cluster test", "add account project", f"add user {me} account=project",
                           f"modify user {me} set defaultaccount=project"):  # fmt: skip
                self.ask("sacctmgr", "--immediate", *change.split())

    def _begin_database(self, program: str) -> None:
        """A database that only a socket in the folder leads to, and that asks nobody who they are."""
        folder = self.folder
        common = ["--no-defaults", f"--user={getpass.getuser()}", f"--datadir={folder}/database"]
        command = [program, *common, f"--socket={folder}/mariadb.socket", f"--pid-file={folder}/mariadbd.pid",
                   "--skip-networking", "--skip-grant-tables", "--innodb-lock-wait-timeout=900"]  # fmt: skip
        with (folder / "mariadbd.log").open("wb") as log:
            subprocess.run(["mariadb-install-db", *common, "--skip-test-db"], check=True, stdout=log, stderr=log)
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_for((folder / "mariadbd.pid").exists, 30, "the database")

    def end(self, daemon: str) -> None:
        """Stop one daemon, and wait until it is gone."""
        if process := self._process(daemon):
            process.terminate()
            wait_for(
                lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 30, f"{daemon}'s end"
            )

    def _left(self) -> list[psutil.Process]:
        """What cancelled jobs leave: without control groups SLURM loses sight of what has left a job's session."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("PATH", "").startswith(f"{self.folder}/"):
                    found.append(process)
        return found

    def _process(self, daemon: str) -> psutil.Process | None:
        file = self.folder / f"{daemon}.pid"
        try:
            return psutil.Process(int(file.read_text()))
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    def _configure(self, cpus: int, gpus: int) -> None:
        folder = self.folder
        for name in ("spool", "state", "bin"):
            (folder / name).mkdir()
        for program in PROGRAMS:
            wrapper = folder / "bin" / program
            wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {find(program)} "$@"\n')
            wrapper.chmod(0o755)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        controller_port, node_port, database_port = free_ports(3)
        common = {"node": NODE, "user": getpass.getuser(), "folder": folder, "database_port": database_port}
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                **common,
                accounting=(ACCOUNTING if self.accounting else NO_ACCOUNTING).format(**common),
                cpus=cpus,
                gpus=gpus,
                memory=psutil.virtual_memory().total // 2**20 - 500,
                grace=GRACE_SECONDS,
                controller_port=controller_port,
                node_port=node_port,
            )
        )
        (folder / "slurmdbd.conf").write_text(DATABASE.format(**common))
        (folder / "slurmdbd.conf").chmod(0o600)
        for number in range(gpus):
            (folder / f"gpu{number}").touch()
        (folder / "gres.conf").write_text(f"NodeName={NODE} Name=gpu File={folder}/gpu[0-{gpus - 1}]\n")
        (folder / "cgroup.conf").write_text("")


def free_ports(count: int) -> list[int]:
    """So many TCP ports of the loopback address that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def wait_for(happened: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until it happened."""
    limit = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what}: not within {seconds} seconds")
        time.sleep(0.1)
