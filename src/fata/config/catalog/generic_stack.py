"""generic_stack: TCP and UDP as the target has them, or fata's own over a network interface."""

from __future__ import annotations

from typing import Any

from fata.config.impl import Entry, Impl, device, match
from fata.config.keys import REQUIRED, Key, Required, Target, prefixed
from fata.config.offer import Offer
from fata.config.value import BOOLEAN, TEXT, KeyType, Many, Maybe, OneOf, Plain
from fata.config.where import caller
from fata.device.lease import LeasedStack
from fata.device.stack import Stack

ENTRY = Entry(
    "stack",
    Stack,
    {"unix": "fata.driver.stack.host:HostStack"},
    "TCP, UDP and names; on unix the host's sockets.",
)
DIRECT = Entry(
    "direct_stack",
    LeasedStack,
    {"unix": "fata.runtime.direct:open_direct_stack"},
    "fata's own TCP/IP over a TAP or Ethernet interface.",
    loop="fata.runtime.own_loop:own_loop",
)
VIRTIO = Entry(
    "virtio_stack",
    LeasedStack,
    {"virtio": "fata.runtime.virtio:open_virtio_stack"},
    "fata's own TCP/IP over the virtual machine's network card.",
    loop="fata.runtime.hardware_loop:hardware_loop",
)


def generic_stack(*, name: str | None = None) -> Impl[Stack]:
    """Return the target's network: on unix the host's own sockets, or with `--net direct` fata's own TCP/IP.

    A virtual machine has the latter, over its network card.
    """
    return match(Target(), {"virtio": virtio_stack(name=name)}, default=_of_a_process(name))


def _of_a_process(name: str | None) -> Impl[Stack]:
    how = _key(name, "net", OneOf(("host", "direct")), "host", "the host's sockets, or our own TCP/IP", "configure")
    return match(how, {"host": _host(name), "direct": direct_stack(name=name)})


def _host(name: str | None) -> Impl[Stack]:
    made: Impl[Stack] = device(ENTRY, name=name)
    return made


def direct_stack(*, name: str | None = None) -> Impl[LeasedStack]:
    """Return fata's own TCP/IP over an interface of the host: the keys `--interface`, `--ipv4` and more say which."""
    made: Impl[LeasedStack] = device(
        DIRECT,
        name=name,
        interface=_key(name, "interface", TEXT, REQUIRED, "TAP or Ethernet interface of the host"),
        ipv4=_key(name, "ipv4", Maybe(TEXT), None, "address with prefix, as in 192.0.2.2/24"),
        ipv4_gateway=_key(name, "ipv4-gateway", Maybe(TEXT), None, "router to everywhere else"),
        dhcp=_key(name, "dhcp", BOOLEAN, False, "ask a DHCP server for address, router and name servers"),
        dns=_key(name, "dns", Many(TEXT), [], "name servers"),
        pcap=_key(name, "pcap", Maybe(TEXT), None, "file that every frame is written to, for Wireshark"),
        stats=_key(name, "stats", BOOLEAN, False, "show connections and counters while the program runs"),
    )
    return made


def virtio_stack(number: int = 0, *, name: str | None = None) -> Impl[LeasedStack]:
    """Return fata's own TCP/IP over the machine's network card `number`: by DHCP, or with the address `--ipv4`."""
    made: Impl[LeasedStack] = device(
        VIRTIO,
        name=name,
        number=number,
        ipv4=_key(name, "ipv4", Maybe(TEXT), None, "address with prefix, as in 192.0.2.2/24"),
        ipv4_gateway=_key(name, "ipv4-gateway", Maybe(TEXT), None, "router to everywhere else"),
        dns=_key(name, "dns", Many(TEXT), [], "name servers"),
        pcap=_key(name, "pcap", Maybe(TEXT), None, "file that every frame is written to, for Wireshark"),
        stats=_key(name, "stats", BOOLEAN, False, "show connections and counters while the program runs"),
    )
    return made


def _key(
    name: str | None, option: str, key_type: KeyType, default: Plain | Required, doc: str, stage: Any = "both"
) -> Key[Any]:
    # The names are reserved for the launcher, so that no application's own key has another meaning for them.
    return Key(prefixed(name, option), key_type, default, doc, stage, where=caller(), launcher=True)


OFFER = Offer(generic_stack, ENTRY, default=generic_stack)
DIRECT_OFFER = Offer(direct_stack, DIRECT)
VIRTIO_OFFER = Offer(virtio_stack, VIRTIO, default=virtio_stack)
