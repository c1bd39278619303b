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


GIVE_BACK = """
import ctypes
from pathlib import Path
from speclm.stage.allocator import give_back
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def resident(): return int(Path("/proc/self/statm").read_text().split()[1])
before = resident()
blocks = [libc.malloc(1 << 20) for _ in range(64)]
for block in blocks: ctypes.memset(ctypes.c_void_p(block), 1, 1 << 20)
for block in blocks[:-1]: libc.free(ctypes.c_void_p(block))  # the last one keeps the heap's end where it is
kept = resident() - before
give_back()
print(kept, resident() - before)
"""
GLIBC = pytest.mark.skipif("glibc" not in str(os.confstr("CS_GNU_LIBC_VERSION")), reason="another C library")


@GLIBC
def test_freed_memory_is_taken_again_without_a_page_fault() -> None:
    def faults(variables: dict[str, str]) -> int:
        command = [sys.executable, "-c", ALLOCATE_AGAIN_AND_AGAIN]
        return int(subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout)

    pages = (64 << 20) // resource.getpagesize()
    assert faults({}) > pages // 512  # even in pages of 2 MiB
    assert faults(environment()) < 10


@GLIBC
def test_free_memory_is_given_back_where_that_is_asked_for() -> None:
    variables = {**environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", GIVE_BACK], env=variables, capture_output=True, text=True, check=True)
    kept, left = (int(pages) * resource.getpagesize() for pages in ended.stdout.split())
    assert kept > 60 << 20 and left < 16 << 20


def test_exports_name_all_variables() -> None:
    answer = subprocess.run(["sh", "-c", exports() + "; env"], capture_output=True, text=True, check=True, env={})
    assert {f"{name}={value}" for name, value in environment().items()} <= set(answer.stdout.splitlines())
