"""Conda's environments: all that the packages of a role need, pinned as the locks pin it.

The upper part of envs/{role}.yaml is written by hand: what the rules of that role import. Below the line `NEEDED`
stands what those packages need in turn, as the installed ones declare it, at the versions of the locks. So an
environment that conda makes of the file holds what one of the locks holds, and nothing that a registry has newer.

    - pandas==3.1.1
    # what those need
    - python-dateutil==2.9.0
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from speclm.study.pins import read_pins

NEEDED = "      # what those need (make lock writes it)\n"
CUDA_LOCK = "torch-cuda.txt"
# what the environments are made for: markers in declarations are judged by it, not by this machine
TARGET = {
    "python_version": "3.11",
    "python_full_version": "3.11.14",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}


def complete(text: str, envs: Path) -> str:
    """The text of an environment's file with everything below `NEEDED` made anew.

    Args:
        envs: the folder of the locks.

    Raises:
        KeyError: a package is needed that no lock has.
        importlib.metadata.PackageNotFoundError: one that the locks have is not installed here.
    """
    upper = text.partition(NEEDED)[0]
    direct = set(re.findall(r"^      - ([a-z0-9-]+)==", upper, flags=re.M))
    needed = requirements(direct)
    if "cuda-toolkit" in direct:  # the CPU build of torch, which is installed here, declares none of these
        needed |= read_pins([envs / CUDA_LOCK]).keys()
    versions = locked_versions(envs)
    return upper + NEEDED + "".join(f"      - {name}=={versions[name]}\n" for name in sorted(needed - direct))


def locked_versions(envs: Path) -> dict[str, str]:
    """The one version of every package in the locks; of a local one (2.13.0+cpu) without what makes it local.

    Raises:
        ValueError: the locks disagree.
    """
    versions = {}
    for package, found in read_pins(sorted(envs.glob("*.txt"))).items():
        (versions[package],) = {version.partition("+")[0] for version in found}
    return versions


def requirements(names: Iterable[str]) -> set[str]:
    """These packages and all that they need on `TARGET`."""
    found: set[tuple[str, str]] = set()  # name and extra
    queue = [(name, "") for name in names if not _cuda(name)]
    while queue:
        if (one := queue.pop()) in found:
            continue
        found.add(one)
        for declared in map(Requirement, requires(one[0]) or []):
            if declared.marker is None or declared.marker.evaluate({**TARGET, "extra": one[1]}):
                queue += [(canonicalize_name(declared.name), extra) for extra in ("", *declared.extras)]
    return {name for name, _ in found}


def _cuda(name: str) -> bool:
    return name == "triton" or name.startswith(("cuda-", "nvidia-"))
