"""Poller: how anything wakes the program."""

from __future__ import annotations

from fata.device.protocol import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class _Numbered:
    """A source that is known by a number; equal when the kind and the number are."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.number == self.number

    def __hash__(self) -> int:
        return hash((type(self), self.number))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.number})"


class Readable(_Numbered):
    """A file descriptor, `number`, that has something to read, or has ended."""

    __slots__ = ()


class Writable(_Numbered):
    """A file descriptor, `number`, that takes more, or has failed."""

    __slots__ = ()


class Interrupt(_Numbered):
    """A line of a device: `number` is its bit in the machine's interrupt set."""

    __slots__ = ()


class Software:
    """A source that the program itself raises: another thread, a signal, a simulated device.

    Compared by identity. `Poller.wake` raises it.
    """

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def __repr__(self) -> str:
        return f"Software({self.label!r})"


Source = Readable | Writable | Interrupt | Software


class Poller(Protocol):
    """Waits for sources and calls back.

    Descriptors are level-triggered: the callback is called by every `wait` while the condition holds.
    Interrupts and software sources are edges: raised any number of times before a `wait`, they are
    reported once by it, and never lost. Everything but `wake` belongs to one thread.
    """

    def register(self, source: Source, callback: Callable[[], None]) -> None:
        """Call `callback` from `wait` when `source` is ready. A source registered twice is a `StateError`.

        A kind of source that the poller cannot watch is a `DeviceError`.
        """
        ...

    def unregister(self, source: Source) -> None:
        """Forget the source. After this its callback is not called, not even by the `wait` under way.

        A source that is not registered is a `StateError`.
        """
        ...

    def wait(self, deadline: float | None) -> int:
        """Wait until a source is ready or the deadline passes; call the callbacks; return how many were called.

        `deadline` is in seconds on the poller's monotonic clock: None waits for ever, one that has passed
        only looks. May return 0 early (a signal). A callback's exception leaves `wait`; the sources behind
        it are reported by the next one.
        """
        ...

    def wake(self, source: Software) -> None:
        """Raise a software source. May be called from any thread and from a signal handler.

        One that is not registered is ignored: its owner may just have gone.
        """
        ...

    def monotonic(self) -> float:
        """Seconds on the clock by which deadlines are told."""
        ...

    def close(self) -> None:
        """Give back what the poller holds. A second call does nothing."""
        ...
