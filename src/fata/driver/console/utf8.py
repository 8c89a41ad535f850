"""Text to octets and back, for consoles: UTF-8, with U+FFFD for what is none."""

from __future__ import annotations


def encode(text: str) -> bytes:
    """Return the text in UTF-8. Half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


class Lines:
    """Cuts arriving octets into lines.

    A line ends at LF or CR LF; what follows the last end when the input ends is a line too.
    """

    __slots__ = ("_octets", "_searched", "ended")

    def __init__(self) -> None:
        self._octets = bytearray()
        self._searched = 0  # no LF before this index: a long line in small pieces is searched once
        self.ended = False

    def feed(self, octets: bytes) -> None:
        """Take what has arrived; b"" is the end of the input."""
        self._octets += octets
        self.ended = self.ended or not octets

    def next(self) -> str | None:
        """Take the next line, without its end; None when there is none, or none yet (see `ended`)."""
        end = self._octets.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._octets)
            return self._take(self._searched, 0) if self.ended and self._octets else None
        return self._take(end, 1)

    def _take(self, end: int, delimiter: int) -> str:
        line = bytes(self._octets[:end])
        del self._octets[: end + delimiter]
        self._searched = 0
        return (line.removesuffix(b"\r") if delimiter else line).decode("utf-8", "replace")
