"""What a DHCP client says in which state (RFC 2131 4.3.2 table 4, 4.4 table 5): fields, options and destination."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from fata.proto.dhcp.lease import Lease
from fata.proto.dhcp.states import Exchange, Rebinding, Rebooting, Renewing, Requesting, Selecting
from fata.wire import dhcp, dhcp_options, ipv4
from fata.wire.dhcp_options import DECLINE, DISCOVER, RELEASE, REQUEST, Options

# Classless routes stand before routers, for servers that send as much as fits (RFC 3442).
WANTED = bytes(
    (
        dhcp_options.SUBNET_MASK,
        dhcp_options.CLASSLESS_ROUTES,
        dhcp_options.ROUTERS,
        dhcp_options.DNS_SERVERS,
        dhcp_options.HOST_NAME,
        dhcp_options.DOMAIN_NAME,
        dhcp_options.MTU,
        dhcp_options.NTP_SERVERS,
        dhcp_options.LEASE_TIME,
        dhcp_options.RENEWAL_TIME,
        dhcp_options.REBINDING_TIME,
    )
)
LONGEST = 1500  # octets of a packet that comes: what fits into an Ethernet frame

Asking = Selecting | Requesting | Rebooting | Renewing | Rebinding


class Settings(NamedTuple):
    """How the client introduces itself."""

    host_name: str = ""
    client_id: bytes = b""  # option 61, its first octet is a type; empty: the server goes by the MAC
    broadcast: bool = True  # have answers sent to everybody: before it has an address, a host need not take others


DEFAULTS = Settings()


class Outgoing(NamedTuple):
    """A message to be sent from `source`, port 68, to `destination`, port 67."""

    source: bytes
    destination: bytes  # 255.255.255.255 is everybody on the link
    message: dhcp.Message


class Speaker(NamedTuple):
    """Writes messages for one card."""

    mac: bytes
    settings: Settings

    def ask(self, state: Asking) -> Outgoing:
        """Write what a state asks."""
        match state:
            case Selecting(exchange):
                return self._ask(exchange, Options(DISCOVER))
            case Requesting(exchange, address, server):
                return self._ask(exchange, Options(REQUEST, server, address))
            case Rebooting(exchange, address):
                return self._ask(exchange, Options(REQUEST, requested_address=address))
            case Renewing(exchange, lease):
                return self._ask(exchange, Options(REQUEST), lease.address, lease.server)
            case Rebinding(exchange, lease):
                return self._ask(exchange, Options(REQUEST), lease.address)
            case _:
                assert_never(state)

    def release(self, transaction: int, lease: Lease) -> Outgoing:
        """Write that an address is given back."""
        options = Options(RELEASE, lease.server, client_identifier=self.settings.client_id or None)
        message = dhcp.Message(dhcp.REQUEST, transaction, self.mac, options, lease.address)
        return Outgoing(lease.address, lease.server, message)

    def decline(self, transaction: int, lease: Lease) -> Outgoing:
        """Write that somebody else has an address."""
        options = Options(DECLINE, lease.server, lease.address, client_identifier=self.settings.client_id or None)
        return Outgoing(ipv4.UNSPECIFIED, ipv4.BROADCAST, dhcp.Message(dhcp.REQUEST, transaction, self.mac, options))

    def _ask(
        self,
        exchange: Exchange,
        options: Options,
        source: bytes = ipv4.UNSPECIFIED,
        destination: bytes = ipv4.BROADCAST,
    ) -> Outgoing:
        """Write a question; `source` is our address once we have it."""
        options = options._replace(
            client_identifier=self.settings.client_id or None,
            host_name=self.settings.host_name.encode("ascii") or None,
            max_message_size=LONGEST,
            parameter_requests=WANTED,
        )
        message = dhcp.Message(
            dhcp.REQUEST,
            exchange.transaction,
            self.mac,
            options,
            client_address=source,
            seconds=min(exchange.seconds, 0xFFFF),
            broadcast=self.settings.broadcast and source == ipv4.UNSPECIFIED,
        )
        return Outgoing(source, destination, message)
