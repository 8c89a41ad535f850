"""What this package needs of others: the few methods of a store, a network stack and a transport that it calls.

`fata.device.KvRo` is a `Site` and `fata.device.Stack` a `Listener` by shape alone: nothing is imported from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ssl import SSLContext  # an application that serves TLS brings it; others do not pay for it


class Kind(Protocol):
    """What a key names, as a member of an enumeration."""

    @property
    def value(self) -> str:
        """`"value"` or `"dictionary"`."""
        ...


class Site(Protocol):
    """A store whose values are served. Keys are segments joined by "/"; failures are `DeviceError`."""

    async def exists(self, key: str) -> Kind | None: ...

    async def get(self, key: str) -> bytes: ...

    async def get_partial(self, key: str, offset: int, length: int) -> bytes: ...

    async def size(self, key: str) -> int: ...

    async def digest(self, key: str) -> bytes: ...

    async def last_modified(self, key: str) -> float | None: ...


class Listening(Protocol):
    """A listening port, as `asyncio.Server`."""

    @property
    def addresses(self) -> Sequence[tuple[str, int]]: ...

    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...


class Listener(Protocol):
    """Whatever can listen for TCP connections. `host` None means every address, `port` 0 any free one."""

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int = 0,
        *,
        ssl: SSLContext | None = None,
    ) -> Listening: ...


class Transport(Protocol):
    """The side of `asyncio.Transport` that is used here."""

    def write(self, data: bytes) -> None: ...

    def write_eof(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...
