"""Environment of glibc's allocator under every stage: freed memory stays with the process, in pages of 2 MiB.

A training step frees and allocates the same tensors again and again. By default glibc gives large ones back to the
system, which hands them out as zeroed pages of 4 KiB: 1.1 to 1.4 times the time of a step. Huge pages, where the
system grants them (madvise), save another 1 to 5 %. Numbers do not change. Other C libraries ignore these names.

    exports() -> "export GLIBC_TUNABLES=glibc.malloc.hugetlb=1 MALLOC_MMAP_THRESHOLD_=4294967296 …"
"""

from __future__ import annotations

import ctypes

FOUR_GIB = str(2**32)


def environment() -> dict[str, str]:
    """The variables; they act on processes started with them."""
    return {
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "MALLOC_MMAP_THRESHOLD_": FOUR_GIB,
        "MALLOC_TRIM_THRESHOLD_": FOUR_GIB,
    }


def exports() -> str:
    """The same as a shell's command."""
    return "export " + " ".join(f"{name}={value}" for name, value in environment().items())


def give_back() -> None:
    """Return free memory to the system all the same: after work in tensors of many sizes, which leave gaps that later
    ones do not fit into, a process would grow and grow. Nothing where the C library is another."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
