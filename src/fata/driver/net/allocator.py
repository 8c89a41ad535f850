"""What C's allocator does with the memory of frames that were given back."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD = -1  # malloc.h
KEPT = 64 << 20  # octets


def keep_freed(octets: int = KEPT) -> bool:
    """Have glibc keep up to so many freed octets for the process instead of returning them to the kernel.

    A burst of 64 large frames takes 4 MiB and gives them back at once. By default glibc returns whatever exceeds
    128 KiB at the heap's end, and the next burst pays a page fault for every 4 KiB: 55 µs a frame instead of 7
    (benchmarks/frames.py). Returns False where the C library has no such setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_TRIM_THRESHOLD, octets))
