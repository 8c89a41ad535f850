"""The options of a connection that code knows by the names of sockets."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fata.errors import ConfigError
from fata.proto.tcp.congestion import choose

if TYPE_CHECKING:
    from fata.proto.tcp.connection import Connection
    from fata.stack.tcp import Tcp

IGNORED = {
    (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    (socket.SOL_SOCKET, socket.SO_RCVBUF),
    (socket.SOL_SOCKET, socket.SO_SNDBUF),
    (socket.SOL_SOCKET, socket.SO_LINGER),
    (socket.IPPROTO_TCP, socket.TCP_QUICKACK),
}
"""What code sets as advice to a kernel: it changes nothing here, and nothing breaks without it."""


KEEPALIVE = {
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): "keepalive_idle",
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): "keepalive_interval",
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): "keepalive_probes",
}
"""Options in seconds or as a number, with the setting that each of them is."""

TOS, TIME_TO_LIVE = (socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IP, socket.IP_TTL)
NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
KEEP_ALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE)
USER_TIMEOUT = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)  # milliseconds
ERROR = (socket.SOL_SOCKET, socket.SO_ERROR)
LEAST = dict.fromkeys(KEEPALIVE, 1) | {USER_TIMEOUT: 0}
LINUX_NAMES = {"reno": "newreno"}


class ConnectionOptions:
    """Sets and reads the options of one connection."""

    def __init__(self, connection: Connection, tcp: Tcp) -> None:
        self._connection = connection
        self._tcp = tcp

    def get_option(self, level: int, option: int) -> int:
        """Return an option as a socket would. Raises `OSError` for one that we do not have."""
        connection, name = self._connection, (level, option)
        if name == NODELAY:
            return int(connection.nodelay)
        if name == KEEP_ALIVE:
            return int(connection.keepalive)
        if name == USER_TIMEOUT:
            return round(connection.settings.user_timeout * 1000)
        if name in (TOS, TIME_TO_LIVE):
            return self._tcp.output.service(connection.key)[name == TIME_TO_LIVE]
        if name in KEEPALIVE:
            seconds: float = getattr(connection.settings, KEEPALIVE[name])
            return round(seconds)
        if name in IGNORED or name == ERROR:
            return 0
        raise OSError(errno.ENOPROTOOPT, f"{os.strerror(errno.ENOPROTOOPT)}: {option} of level {level}")

    def set_option(self, level: int, option: int, value: int) -> None:
        """Set an option. Raises `OSError` for one that we do not have."""
        connection, name = self._connection, (level, option)
        if name in LEAST and value < LEAST[name]:
            raise OSError(errno.EINVAL, f"{os.strerror(errno.EINVAL)}: {value}")
        if name == NODELAY:
            connection.nodelay = bool(value)
        elif name == KEEP_ALIVE:
            connection.keepalive = bool(value)
        elif name == USER_TIMEOUT:
            seconds = value / 1000 if value else self._tcp.settings.user_timeout
            connection.settings = replace(connection.settings, user_timeout=seconds)
        elif name in (TOS, TIME_TO_LIVE):
            self._set_service(name, value)
        elif name in KEEPALIVE:
            changed: dict[str, Any] = {KEEPALIVE[name]: value}
            connection.settings = replace(connection.settings, **changed)
        elif name not in IGNORED:
            raise OSError(errno.ENOPROTOOPT, f"{os.strerror(errno.ENOPROTOOPT)}: {option} of level {level}")
        connection.predicted = False  # the next flush looks at the settings
        self._tcp.touch(connection)

    def get_congestion(self) -> bytes:
        """Return the name of the algorithm that controls congestion."""
        return self._connection.congestion.name.encode()

    def set_congestion(self, name: bytes) -> None:
        """Choose it; the new one goes on with the window that there is. Raises `OSError` for an unknown one."""
        connection = self._connection
        before, segments = connection.congestion, connection.settings.initial_window
        text = name.rstrip(b"\0").decode("ascii", "replace")
        try:
            chosen = choose(LINUX_NAMES.get(text, text), before.mss, segments)
        except ConfigError as error:
            raise FileNotFoundError(errno.ENOENT, f"{os.strerror(errno.ENOENT)}: {error.reason}") from None
        chosen.window, chosen.threshold = before.window, before.threshold
        connection.congestion = chosen

    def _set_service(self, name: tuple[int, int], value: int) -> None:
        key = self._connection.key
        tos, ttl = self._tcp.output.service(key)
        if not (0 <= value <= 0xFF if name == TOS else 1 <= value <= 0xFF):
            raise OSError(errno.EINVAL, f"{os.strerror(errno.EINVAL)}: {value}")
        self._tcp.output.set_service(key, *((value, ttl) if name == TOS else (tos, value)))
