"""What a DHCP server grants, read out of its OFFER or ACK (RFC 2132, RFC 3442)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from fata.errors import WireError
from fata.wire import dhcp, ipv4
from fata.wire.dhcp_options import INFINITE, Options, Route

LEAST_LEASE = 30  # seconds: a server that grants less would have us ask all the time
RENEW, REBIND = 0.5, 0.875  # of the lease, RFC 2131 4.4.5
FUZZ = 0.02  # of a time, by which it comes earlier at random, so that a building's hosts do not ask at once
PREFIXES = ((0x80, 8), (0xC0, 16), (0xE0, 24))  # first octet below, bits: for servers that send no mask


@dataclass(frozen=True, slots=True)
class Lease:
    """An address with what belongs to it. Times are monotonic seconds, inf for ever."""

    address: bytes
    prefix: int  # bits
    server: bytes
    renews: float
    rebinds: float
    expires: float
    gateway: bytes | None = None
    routes: tuple[Route, ...] = ()  # without the one to everywhere, which is `gateway`
    dns: tuple[bytes, ...] = ()
    domain: str = ""
    mtu: int | None = None  # octets
    ntp: tuple[bytes, ...] = ()
    host_name: str = ""


def lease_of(message: dhcp.Message, asked: float, fuzz: float) -> Lease:
    """Return the lease that an OFFER or an ACK speaks of.

    `asked` is when it was asked for; `fuzz`, from 0 to 1, makes its times come a little earlier. Raises `WireError`
    for what a host cannot live with; options that only help are left out where they make no sense.
    """
    options, address = message.options, message.your_address
    seconds, server = options.lease_time, options.server_identifier
    if seconds is None or seconds < LEAST_LEASE or server is None:
        raise WireError(f"dhcp: a lease of {seconds} seconds from the server {server.hex() if server else None}")
    prefix = _prefix(address, options.subnet_mask)
    if not ipv4.is_host(address, prefix):
        raise WireError(f"dhcp: {ipv4.format_address(address)}/{prefix} is no host's address")
    renews, rebinds, expires = _times(options, seconds)
    early = 1 - FUZZ * fuzz
    routes, gateway = _routes(options)
    return Lease(
        address,
        prefix,
        server,
        asked + renews * early,
        asked + rebinds * early,
        asked + expires,
        gateway,
        routes,
        options.dns_servers,
        _text(options.domain_name),
        options.mtu,
        options.ntp_servers,
        _text(options.host_name),
    )


def _times(options: Options, seconds: int) -> tuple[float, float, float]:
    """Return after how many seconds to renew, to rebind and to give up."""
    if seconds == INFINITE:
        return inf, inf, inf
    renews = options.renewal_time or seconds * RENEW
    rebinds = options.rebinding_time or seconds * REBIND
    if not renews <= rebinds <= seconds:
        return seconds * RENEW, seconds * REBIND, seconds
    return renews, rebinds, seconds


def _prefix(address: bytes, mask: bytes | None) -> int:
    if mask is None:
        return next((prefix for first, prefix in PREFIXES if address[0] < first), 32)
    prefix = int.from_bytes(mask, "big").bit_count()
    if ipv4.netmask(prefix) != mask:
        raise WireError(f"dhcp: {mask.hex()} is no mask")
    return prefix


def _routes(options: Options) -> tuple[tuple[Route, ...], bytes | None]:
    """Return routes and gateway; classless routes put routers out of force (RFC 3442)."""
    if options.classless_routes is None:
        return (), options.routers[0] if options.routers else None
    gateway = next((route.gateway for route in options.classless_routes if not route.prefix), None)
    return tuple(_masked(route) for route in options.classless_routes if route.prefix), gateway


def _masked(route: Route) -> Route:
    mask = int.from_bytes(ipv4.netmask(route.prefix), "big")
    return route._replace(network=(int.from_bytes(route.network, "big") & mask).to_bytes(4, "big"))


def _text(octets: bytes | None) -> str:
    """Return a text of printable ASCII; "" for anything else: what looks like a name may end up in a log."""
    if octets is None or not all(0x21 <= octet <= 0x7E for octet in octets):
        return ""
    return octets.decode("ascii")
