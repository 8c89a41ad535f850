"""What a host's network is doing, as text for people: `--stats`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fata.proto.tcp.connection import Connection
from fata.wire.ipv4 import format_address

if TYPE_CHECKING:
    from fata.stack.host import Host

MOST_CONNECTIONS = 20  # lines; the busiest first
HEADING = (
    f"{'local':>21} {'remote':>21} {'state':<12} {'rtt ms':>8} {'cwnd':>9} {'flight':>9} {'queued':>9} {'resent':>7}"
)


def report(host: Host, seconds: float) -> str:
    """Return a table of connections and the counters that are not zero; `seconds` is how long the host has run."""
    return "\n".join([*_traffic(host, seconds), *_connections(host), *_counters(host)])


def _traffic(host: Host, seconds: float) -> Iterator[str]:
    counters = host.counters
    rate = counters.received_octets * 8 / seconds / 1e6 if seconds > 0 else 0.0
    yield (
        f"network {format_address(host.ip.address)} after {seconds:.0f} s: "
        f"{counters.received:,} frames received ({rate:.1f} Mbit/s), {counters.sent:,} sent"
    )


def _connections(host: Host) -> Iterator[str]:
    live = [each for each in host.tcp.host.connections.values() if isinstance(each, Connection)]
    resting = len(host.tcp.host.connections) - len(live)
    yield f"{len(live)} TCP connections, {resting} in TIME-WAIT, {len(host.tcp.host.listeners)} listening"
    if not live:
        return
    yield HEADING
    ranked = sorted(((each.statistics(), each) for each in live), key=lambda pair: -pair[0].queued)
    for figures, connection in ranked[:MOST_CONNECTIONS]:
        local, remote = (f"{address}:{port}" for address, port in host.tcp.addresses(connection))
        yield (
            f"{local:>21} {remote:>21} {figures.state:<12} {figures.rtt * 1000:>8.2f} {figures.congestion_window:>9} "
            f"{figures.in_flight:>9} {figures.queued:>9} {figures.retransmissions:>7}"
        )
    if len(live) > MOST_CONNECTIONS:
        yield f"… and {len(live) - MOST_CONNECTIONS} more"


def _counters(host: Host) -> Iterator[str]:
    groups: dict[str, Any] = {
        "frames": host.counters,
        "tcp": host.tcp.host.counters,
        "arp": host.interface.neighbors.counters,
        "fragments": host.ip.reassembly.counters,
        "path mtu": host.ip.path_mtus.counters,
        "icmp errors": host.icmp.gate.counters,
    }
    for name, counters in groups.items():
        said = ", ".join(f"{what.replace('_', ' ')} {count:,}" for what, count in asdict(counters).items() if count)
        if said:
            yield f"{name}: {said}"
