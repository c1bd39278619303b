"""Debian's packages that a test needs: installed where root can, by one test at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path


class UnavailableError(Exception):
    """A program cannot be had on this machine; the message says why."""


def find(program: str) -> str | None:
    """The path of a program; daemons stand where not every user's PATH leads."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def require(programs: Collection[str], packages: Sequence[str]) -> None:
    """Install the packages where a program is missing, without starting services of theirs.

    Raises:
        UnavailableError: this is not Debian, the user is not root, or the packages cannot be reached.
    """
    with (Path(tempfile.gettempdir()) / "speclm-tests-packages.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of these tests may be installing
        missing = [program for program in programs if not find(program)]
        if not missing:
            return
        if not shutil.which("apt-get") or os.geteuid() != 0:
            raise UnavailableError(
                f"{', '.join(missing)} not installed, and only root of a Debian can install them here"
            )
        _install(packages)


def _install(packages: Sequence[str]) -> None:
    policy = Path("/usr/sbin/policy-rc.d")
    own_policy = not policy.exists()
    if own_policy:
        policy.write_text("#!/bin/sh\nexit 101\n")  # the packages' services stay off
        policy.chmod(0o755)
    get = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in ([*get, "update"], [*get, "install", "--yes", "--no-install-recommends", *packages]):
            ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
        if ended.returncode:
            raise UnavailableError(f"{' '.join(packages)} cannot be installed: {ended.stderr.strip()[-300:]}")
    finally:
        if own_policy:
            policy.unlink()
