"""A DHCP server for hosts of a simulation: grants one address, or refuses, or says nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from fata.errors import WireError
from fata.sim.host import Host
from fata.wire import dhcp
from fata.wire.dhcp_options import ACK, DISCOVER, NAK, OFFER, REQUEST, Options
from fata.wire.ipv4 import parse_address


class DhcpService(asyncio.DatagramProtocol):
    """Answers at UDP port 67. What it grants may be changed at any time."""

    def __init__(self, server: Host, address: str, lease_time: int) -> None:
        self.address = parse_address(address)
        self.lease_time = lease_time  # seconds
        self.refuses = False
        self.silent = False
        self.heard: list[int] = []  # kinds of messages
        self._identifier = parse_address(server.address)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            asked = dhcp.parse(data, 0, len(data))
        except WireError:
            return
        kind = asked.options.message_type
        self.heard.append(kind or 0)
        if kind not in (DISCOVER, REQUEST) or self.silent:
            return
        kind = OFFER if kind == DISCOVER else NAK if self.refuses else ACK
        options = Options(message_type=kind, server_identifier=self._identifier)
        if kind != NAK:
            mask = b"\xff\xff\xff\0"
            options = options._replace(lease_time=self.lease_time, subnet_mask=mask, dns_servers=(self._identifier,))
        answer = dhcp.Message(dhcp.REPLY, asked.transaction, asked.client_mac, options, your_address=self.address)
        self._transport.sendto(dhcp.serialize(answer), ("255.255.255.255", dhcp.CLIENT_PORT))


async def serve_dhcp(server: Host, address: str, lease_time: int = 3600) -> DhcpService:
    """Have `server` grant `address`."""
    service = DhcpService(server, address, lease_time)
    await server.stack.create_datagram_endpoint(lambda: service, ("0.0.0.0", dhcp.SERVER_PORT))
    return service
