"""Opening the devices of a virtual machine, and our own TCP/IP over its network card."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from fata.driver.entropy.os import OsEntropy
from fata.driver.virtio import block, console, net
from fata.driver.virtio.block import VirtioBlock
from fata.driver.virtio.console import VirtioConsole
from fata.driver.virtio.net import VirtioNet
from fata.errors import Unavailable
from fata.runtime.hardware import device, hardware
from fata.runtime.machine_entropy import stir
from fata.runtime.memory import free_memory
from fata.runtime.stack import made_ready
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import read_addresses, read_addressing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fata.device.poller import Interrupt, Poller
    from fata.driver.net.tap import Tap
    from fata.driver.virtio.contract import Transport

TAP = "FATA_TAP"  # of the image as a Linux process: the TAP interface that is its network card


async def open_virtio_stack(
    number: int = 0,
    ipv4: str | None = None,
    ipv4_gateway: str | None = None,
    *,
    dns: Sequence[str] = (),
    pcap: str | None = None,
    stats: bool = False,
) -> DirectStack:
    """Open a stack over the machine's network card `number`. It asks DHCP for an address unless it is given `ipv4`.

    `pcap` is for who starts the machine: in it there is no place for such a file. Raises `ConfigError`, `Unavailable`.
    """
    if pcap is not None:
        remedy = "Start the machine with `fata run`, or give QEMU: -object filter-dump,id=dump,netdev=net0,file=FILE"
        raise Unavailable("a machine cannot write a capture file of the host", remedy)
    addressing = read_addressing(ipv4, ipv4_gateway)
    card = _card(number)
    chance, servers = OsEntropy().octets, read_addresses(dns)
    stack = DirectStack(card, addressing, chance, servers=servers, lend=True, memory=free_memory())

    def report(seconds: float) -> str:
        told = stack.report(seconds)
        return f"{told}\n{card.report()}" if isinstance(card, VirtioNet) else told

    return await made_ready(stack, dhcp=ipv4 is None, report=report if stats else None)


def _card(number: int) -> VirtioNet | Tap:
    tap = os.environ.get(TAP)
    if tap is not None:
        from fata.driver.net.tap import Tap

        return Tap(_poller(), tap)
    transport, interrupt = _device(net.KIND, number, "network card", "Give --nic user, or --publish 8080:80.")
    stir()
    return VirtioNet(transport, hardware(), _poller(), interrupt)


async def open_drive(number: int = 0) -> VirtioBlock:
    """Open the machine's disk `number`, counted from 0. Raises `Unavailable`."""
    transport, interrupt = _device(block.KIND, number, "disk", "Give --drive FILE.")
    return VirtioBlock(transport, hardware(), _poller(), interrupt)


async def open_console(number: int = 0) -> VirtioConsole:
    """Open the machine's console `number`, counted from 0, beside its serial port. Raises `Unavailable`."""
    transport, interrupt = _device(console.KIND, number, "console", "Give --terminal PATH.")
    return VirtioConsole(transport, hardware(), _poller(), interrupt)


def _device(kind: int, number: int, what: str, remedy: str) -> tuple[Transport, Interrupt]:
    found = device(kind, number)
    if found is None:
        raise Unavailable(f"the machine has no {what} {number}", remedy)
    return found


def _poller() -> Poller:
    loop: Any = asyncio.get_running_loop()
    poller: Poller = loop.poller
    return poller
