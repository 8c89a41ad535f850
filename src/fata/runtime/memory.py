"""How much memory the program has, as text for people."""

from __future__ import annotations

PAGE = 4096  # octets
MIB = 1 << 20
STATUS = "/proc/self/status"  # proc(5)
RESIDENT, PEAK = "VmRSS:", "VmHWM:"  # in KiB


def free_memory() -> int | None:
    """Return the octets that a machine has left; None for a process, whose system has its own ways."""
    try:
        import _hw  # not at the top: only a machine has it
    except ImportError:
        return None
    pages: int = _hw.machine()["pages_free"]
    return pages * PAGE


def memory_report() -> str:
    """Return a line: of a machine all that is in use, of a process what is resident, now and at most."""
    try:
        import _hw  # not at the top: only a machine has it
    except ImportError:
        return _of_a_process()
    machine = _hw.machine()
    total, free = machine["pages_total"] * PAGE, machine["pages_free"] * PAGE
    return f"memory: {(total - free) / MIB:.1f} MiB in use of {total / MIB:.1f}"


def _of_a_process() -> str:
    try:
        with open(STATUS, encoding="ascii", errors="replace") as file:
            words = dict(line.split(None, 1) for line in file if line.startswith((RESIDENT, PEAK)))
        resident, peak = (int(words[name].split()[0]) / 1024 for name in (RESIDENT, PEAK))
    except (OSError, KeyError, ValueError):
        return "memory: this system does not tell"
    return f"memory: {resident:.1f} MiB resident, {peak:.1f} at most"
