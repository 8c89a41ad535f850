"""What C's allocator does with the memory of frames that were given back."""

from __future__ import annotations

# malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT = 64 << 20  # octets
MAPPED = 32 << 20  # octets: the most that glibc takes


def keep_freed(octets: int = KEPT, mapped: int = MAPPED) -> bool:
    """Have glibc keep up to so many freed octets for the process instead of returning them to the kernel.

    A burst of 64 large frames takes 4 MiB and gives them back at once. By default glibc returns whatever exceeds
    128 KiB at the heap's end, and the next burst pays a page fault for every 4 KiB: 55 µs a frame instead of 7
    (benchmarks/frames.py). Blocks of `mapped` octets or more are returned in any case. That is set as well, since
    setting the other ends glibc's learning of it: at the 128 KiB that it begins with, the payload of one burst,
    joined for its reader, was returned each time, and receiving with offload took four times as long
    (benchmarks/net.py). Returns False where the C library has no such settings, or Python no way to it.
    """
    try:
        import ctypes  # not at the top: a unikernel's image, run as a process, has none

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError):
        return False
    return bool(mallopt(M_TRIM_THRESHOLD, octets)) and bool(mallopt(M_MMAP_THRESHOLD, mapped))
