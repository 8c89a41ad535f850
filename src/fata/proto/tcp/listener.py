"""A port that waits for connections (LISTEN)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fata.proto.tcp.settings import Settings

if TYPE_CHECKING:
    from fata.proto.tcp.host import TcpHost


@dataclass(slots=True, eq=False)
class Listener:
    """Made by `TcpHost.listen`. Its connections name it in `listener`; their first event is CONNECTED."""

    host: TcpHost
    address: bytes | None  # None: every address of the host's
    port: int
    backlog: int  # half-open connections before cookies or refusal
    owner: Any  # whoever is to be told; never looked at
    settings: Settings
    half_open: int = 0
    cookies_until: float = 0.0  # cookies that may be under way make it worth to check acknowledgments until then
    closed: bool = False

    def close(self) -> None:
        """Stop listening, and end what is half-open. Established connections go on."""
        self.host.unlisten(self)
