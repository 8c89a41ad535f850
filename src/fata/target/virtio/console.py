"""The guest's console on its way to the user: all but the kernel's last line, which tells the exit status."""

from __future__ import annotations

import re

PREFIX = b"exit status "
UNFINISHED = re.compile(PREFIX + rb"\d{0,3}\r?\n?")
STATUS = re.compile(PREFIX + rb"(\d{1,3})\r?\n")


class ConsoleFilter:
    """Keeps back a last line that may be the kernel's, until something follows it."""

    def __init__(self) -> None:
        self._held = b""
        self._line_begins = True  # whether what was shown ended a line

    def feed(self, octets: bytes) -> bytes:
        """Take what the guest wrote; return what to show."""
        waiting = self._held + octets
        start = waiting.rfind(b"\n", 0, max(0, len(waiting) - 1)) + 1
        last = waiting[start:]
        begins = start > 0 or self._line_begins
        kept = last if last and begins and (UNFINISHED.fullmatch(last) or PREFIX.startswith(last)) else b""
        shown = waiting[: len(waiting) - len(kept)]
        self._held = kept
        if shown:
            self._line_begins = shown.endswith(b"\n")
        return shown

    def finish(self) -> tuple[bytes, int | None]:
        """Return what is left to show, and the exit status if the guest's last line was one."""
        match = STATUS.fullmatch(self._held)
        left, self._held = self._held, b""
        return (left, None) if match is None else (b"", int(match[1]))
