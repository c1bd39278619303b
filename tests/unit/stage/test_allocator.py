from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from speclm.stage.allocator import environment, exports

ALLOCATE_AGAIN_AND_AGAIN = """
import ctypes, resource
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def use():
    block = libc.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    libc.free(ctypes.c_void_p(block))
use()
before = faults()
use()
print(faults() - before)
"""


@pytest.mark.skipif("glibc" not in str(os.confstr("CS_GNU_LIBC_VERSION")), reason="another C library")
def test_freed_memory_is_taken_again_without_a_page_fault() -> None:
    def faults(variables: dict[str, str]) -> int:
        command = [sys.executable, "-c", ALLOCATE_AGAIN_AND_AGAIN]
        return int(subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout)

    pages = (64 << 20) // resource.getpagesize()
    assert faults({}) > pages // 512  # even in pages of 2 MiB
    assert faults(environment()) < 10


def test_exports_name_all_variables() -> None:
    answer = subprocess.run(["sh", "-c", exports() + "; env"], capture_output=True, text=True, check=True, env={})
    assert {f"{name}={value}" for name, value in environment().items()} <= set(answer.stdout.splitlines())
