"""What a host's network is doing, as text for people: `--stats`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from fata.proto.tcp.connection import Connection
from fata.wire.ipv4 import format_address

if TYPE_CHECKING:
    from fata.stack.host import Host

DROPS = {
    "frames": (
        *("malformed", "bad_checksum", "for_others", "unknown_protocol", "source_routed", "no_port", "unreachable"),
        *("no_memory", "send_queue_full"),
    ),
    "card": ("not_taken", "malformed"),
    "tcp": ("cookies_refused", "no_memory"),
    "arp": ("invalid", "locked", "unsolicited"),
    "fragments": ("malformed", "oversized", "overlapping", "too_many", "expired"),
    "path mtu": ("implausible",),
    "icmp errors": ("forbidden", "limited"),
    "dns": ("lame", "malformed", "strange"),
    "dhcp": ("foreign", "invalid"),
}
"""Counters of what was dropped, besides those whose names begin so."""

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
    dropped = []
    for name, counters in _groups(host):
        numbers = {what: count for what, count in asdict(counters).items() if count}
        drops = {what: count for what, count in numbers.items() if _is_drop(name, what)}
        if said := _said(numbers.items() - drops.items(), numbers):
            yield f"{name}: {said}"
        if said := _said(drops.items(), numbers):
            dropped.append(f"{name}: {said}")
    if dropped:
        yield "dropped – " + "; ".join(dropped)


def _groups(host: Host) -> Iterator[tuple[str, Any]]:
    """Yield every part of the host that counts, with its counters."""
    yield "frames", host.counters
    card = getattr(host.interface.net, "counters", None)  # not every card counts
    if is_dataclass(card) and not isinstance(card, type):
        yield "card", card
    yield "tcp", host.tcp.host.counters
    yield "arp", host.interface.neighbors.counters
    yield "fragments", host.ip.reassembly.counters
    yield "path mtu", host.ip.path_mtus.counters
    yield "icmp errors", host.icmp.gate.counters
    yield "dns", host.resolver.machine.counters
    yield "dns cache", host.resolver.machine.cache.counters
    yield "dhcp", host.leasing.machine.counters


def _is_drop(name: str, what: str) -> bool:
    """Say whether a counter tells of something that was received, or asked for, and came to nothing."""
    return what in DROPS.get(name, ()) or what.startswith(("dropped", "refused", "evicted")) or "throttled" in what


def _said(some: Collection[tuple[str, int]], order: Collection[str]) -> str:
    chosen = dict(some)
    return ", ".join(f"{what.replace('_', ' ')} {chosen[what]:,}" for what in order if what in chosen)
