"""Pin in envs/*.yaml all that a role's packages need: python scripts/_environments.py, the last step of `make lock`.

The upper part of a file is written by hand: what the rules of that role import. Below the line `NEEDED` this puts what
those packages need in turn, as the installed ones declare it, at the versions of the locks. So an environment that
conda makes of the file holds what an environment of the locks holds, and nothing that a registry has newer.

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

ENVS = Path(__file__).resolve().parents[1] / "envs"
NEEDED = "      # what those need (make lock writes it)\n"
LOCKS = ("lock.txt", "torch-cpu.txt", "torch-cuda.txt")
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


def complete(text: str) -> str:
    """The text of an environment's file with everything below `NEEDED` made anew.

    Raises:
        KeyError: a package is needed that no lock has.
        importlib.metadata.PackageNotFoundError: one that the locks have is not installed here.
    """
    upper = text.partition(NEEDED)[0]
    direct = set(re.findall(r"^      - ([a-z0-9-]+)==", upper, flags=re.M))
    needed = requirements(direct)
    if "cuda-toolkit" in direct:  # the CPU build of torch, which is installed here, declares none of these
        needed |= read_locks("torch-cuda.txt").keys()
    versions = read_locks(*LOCKS)
    return upper + NEEDED + "".join(f"      - {name}=={versions[name]}\n" for name in sorted(needed - direct))


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


def read_locks(*names: str) -> dict[str, str]:
    """Version of every package in these locks; of a local version (2.13.0+cpu) without what makes it local."""
    text = "".join((ENVS / name).read_text(encoding="utf-8") for name in names)
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\+]+)", text, flags=re.M))


def _cuda(name: str) -> bool:
    return name == "triton" or name.startswith(("cuda-", "nvidia-"))


if __name__ == "__main__":
    for path in sorted(ENVS.glob("*.yaml")):
        path.write_text(complete(path.read_text(encoding="utf-8")), encoding="utf-8")
