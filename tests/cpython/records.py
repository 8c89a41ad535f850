"""What a guest tells over its console, and what to make of it when it stops in the middle.

Records stand in the stream as JSON text sequences (RFC 7464): RS, one JSON object, LF. They are

    {"begins": MODULE}
    {"test": ID, "outcome": "passed" | "failed" | "skipped", "text": …}
    {"ends": MODULE, "seconds": …}

Everything else is what tests and the kernel print. A module that begins and does not end has killed its guest, or was
cut off; that is a failure of the module, told as a test of its name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MARK, END = b"\x1e", b"\n"
TAIL = 3000  # octets of what was printed last, to tell why a guest died


class Outcome(NamedTuple):
    """One test's end."""

    test: str
    outcome: str
    text: str = ""


@dataclass(slots=True)
class Module:
    """What one module's tests did; `seconds` by the guest's clock, 0 while it runs."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, outcome: str) -> int:
        """Return how many tests ended so."""
        return sum(each.outcome == outcome for each in self.outcomes)


class Console:
    """Reads one guest's stream, in pieces of any size."""

    def __init__(self) -> None:
        self.modules: list[Module] = []  # in the order in which they began
        self.running = False  # the last of them has not ended
        self.stopped = False
        self.printed = b""  # the end of what was no record
        self._rest = b""

    @property
    def ended(self) -> list[Module]:
        """The modules of which nothing more will come."""
        return self.modules[: len(self.modules) - self.running]

    def receive(self, octets: bytes) -> None:
        """Take what the console wrote."""
        self._rest += octets
        while MARK in self._rest:
            before, _, after = self._rest.partition(MARK)
            self._print(before)
            record, end, rest = after.partition(END)
            if not end:
                self._rest = MARK + after
                return
            self._take(record)
            self._rest = rest
        self._print(self._rest)
        self._rest = b""

    def _print(self, octets: bytes) -> None:
        self.printed = (self.printed + octets)[-TAIL:]

    def _take(self, octets: bytes) -> None:
        try:
            record: dict[str, Any] = json.loads(octets)
        except ValueError:  # the guest died within it, or a test prints such octets
            self._print(octets)
            return
        match record:
            case {"begins": str(name)}:
                self.modules.append(Module(name))
                self.running = True
            case {"ends": str(name), "seconds": seconds} if self.running and name == self.modules[-1].name:
                self.modules[-1].seconds = float(seconds)
                self.running = False
            case {"test": str(test), "outcome": str(outcome), "text": str(text)} if self.modules:
                self.modules[-1].outcomes.append(Outcome(test, outcome, text))

    def stop(self, why: str, seconds: float) -> None:
        """The guest is gone: if a module was running, it has failed, after so many seconds."""
        self.stopped = True
        if self.running:
            module = self.modules[-1]
            last = self.printed.decode(errors="replace")
            module.outcomes.append(Outcome(f"test.{module.name}", "failed", f"{why}; last printed:\n{last}"))
            module.seconds = seconds
            self.running = False
