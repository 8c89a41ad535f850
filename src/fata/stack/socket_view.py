"""What `transport.get_extra_info("socket")` gives: enough of a socket for servers to ask and to set options."""

from __future__ import annotations

import socket
from typing import Any, Protocol

Address = tuple[str, int]
CONGESTION = (socket.IPPROTO_TCP, socket.TCP_CONGESTION)


class Tunable(Protocol):
    """A connection's options that a socket's names stand for."""

    def get_option(self, level: int, option: int) -> int: ...

    def set_option(self, level: int, option: int, value: int) -> None: ...

    def get_congestion(self) -> bytes: ...

    def set_congestion(self, name: bytes) -> None: ...


class SocketView:
    """A view of a connection or a port, for code that looks at sockets. It has no file descriptor.

    Options that our stack has are set; others raise `OSError` (ENOPROTOOPT), as a kernel without them does.
    """

    family = socket.AF_INET
    proto = 0

    def __init__(
        self, kind: socket.SocketKind, local: Address, remote: Address | None, options: Tunable | None = None
    ) -> None:
        self.type = kind
        self._local = local
        self._remote = remote
        self._options = options

    def getsockname(self) -> Address:
        """Return (address, port) of this side."""
        return self._local

    def getpeername(self) -> Address:
        """Return (address, port) of the other side."""
        if self._remote is None:
            raise OSError(107, "Transport endpoint is not connected")  # ENOTCONN
        return self._remote

    def fileno(self) -> int:
        """Return -1, as a socket without a descriptor does."""
        return -1

    def getsockopt(self, level: int, option: int, size: int = 0) -> int | bytes:
        """Return an option as an integer, or what is a text as octets."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_TYPE):
            return int(self.type)
        if self._options is None:
            return 0
        if (level, option) == CONGESTION:
            return self._options.get_congestion()[: size or None]
        return self._options.get_option(level, option)

    def setsockopt(self, level: int, option: int, value: Any, length: int | None = None) -> None:
        """Set an option."""
        if self._options is None:
            return
        if (level, option) == CONGESTION:
            self._options.set_congestion(value)
        else:
            number = value if isinstance(value, int) else int.from_bytes(value or b"", "little")
            self._options.set_option(level, option, number)

    def setblocking(self, flag: bool) -> None:
        """Do nothing: nothing here ever blocks."""

    def gettimeout(self) -> float:
        """Return 0: nothing here ever blocks."""
        return 0.0

    def __repr__(self) -> str:
        return f"<SocketView {self.type.name} {self._local} {self._remote or ''}>"
