"""A DHCP server for tests: it answers one message as it is told, or as RFC 2131 says."""

from __future__ import annotations

from dataclasses import dataclass, field

from fata.proto.dhcp.client import Client
from fata.proto.dhcp.questions import Outgoing
from fata.wire import dhcp
from fata.wire.dhcp_options import ACK, DISCOVER, NAK, OFFER, REQUEST, Options

MAC = b"\2\0\0\0\0\1"
SERVER, OTHER = b"\x0a\0\0\xfe", b"\x0a\0\0\xfd"
ADDRESS = b"\x0a\0\0\x17"
HOUR = 3600


OPTIONS = Options(
    lease_time=HOUR,
    subnet_mask=b"\xff\xff\xff\0",
    routers=(SERVER,),
    dns_servers=(SERVER, OTHER),
    domain_name=b"example.net",
)


@dataclass
class Server:
    """What it grants, and what was last said to it."""

    address: bytes = ADDRESS
    identifier: bytes = SERVER
    options: Options = OPTIONS
    refuses: bool = False
    heard: list[Outgoing] = field(default_factory=list)

    def hear(self, client: Client) -> list[int]:
        """Take what the client has said; return its kinds."""
        said = client.take_messages()
        self.heard += said
        return [outgoing.message.options.message_type or 0 for outgoing in said]

    def say(self, kind: int, **fields: object) -> dhcp.Message:
        """Return a message about what was heard last; `fields` replace its own."""
        asked = self.heard[-1].message
        options = Options() if kind == NAK else self.options
        options = options._replace(message_type=kind, server_identifier=self.identifier)
        answer = dhcp.Message(dhcp.REPLY, asked.transaction, asked.client_mac, options, your_address=self.address)
        return answer._replace(**fields)  # type: ignore[arg-type]

    def serve(self, client: Client, now: float) -> None:
        """Answer all that the client says, until it says nothing more."""
        while kinds := self.hear(client):
            if kinds[-1] == DISCOVER:
                client.receive(self.say(OFFER), now)
            elif kinds[-1] == REQUEST:
                client.receive(self.say(NAK if self.refuses else ACK), now)


def middle(count: int) -> bytes:
    """Return octets with which every jitter is next to nothing."""
    return (b"\x7f\xff" * count)[:count]
