"""Ports, as every stack has them."""

from __future__ import annotations

from fata.errors import Unavailable

MAX_PORT = 0xFFFF  # RFC 9293 3.1, RFC 768


def check_port(protocol: str, port: object) -> None:
    """Raise `Unavailable` for a number that no port has. What is no number is somebody else's to judge."""
    if isinstance(port, int) and not 0 <= port <= MAX_PORT:
        raise Unavailable(f"{protocol} port {port} is no port", f"Choose one from 0 to {MAX_PORT:,}.")
