"""Console: lines of text to and from whoever looks at the machine."""

from __future__ import annotations

from fata.device.protocol import Protocol


class Console(Protocol):
    """A text terminal: standard input and output, a serial port, a Xen console.

    Text is Unicode; on the wire it is UTF-8, and octets that are not arrive as U+FFFD. Writes appear in
    the order of the calls. The device is shared: a write appears whole, not mixed with another's.
    """

    def write(self, text: str) -> None:
        """Write `text` as it is (no newline is added). Returns when the device has taken it.

        Raises `DeviceError` when nobody can read it any more (a closed pipe).
        """
        ...

    async def read_line(self) -> str | None:
        """Return the next line without its end, or None once the input has ended.

        One reader at a time: a second concurrent call is a `StateError`. A cancelled call loses no input.
        """
        ...
