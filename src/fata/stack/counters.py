"""Counters: what a host's network has received, sent and dropped, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Numbers that only grow. Frames unless a name says otherwise."""

    received: int = 0
    received_octets: int = 0
    sent: int = 0
    # Dropped on their way in.
    malformed: int = 0  # broke a format
    bad_checksum: int = 0
    for_others: int = 0  # another host's, by its MAC or its address
    unknown_protocol: int = 0
    source_routed: int = 0  # RFC 6274 3.13.2.3
    no_port: int = 0  # datagrams for a port where nobody listens
    no_memory: int = 0  # on their way out as well
    # Dropped on their way out.
    unreachable: int = 0  # packets without a route or a neighbor that answers
    send_queue_full: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return name and number of each."""
        return asdict(self)
