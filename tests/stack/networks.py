"""Networks for tests: hosts with our stack on a switch in memory, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fata.device.net import Capabilities, Segmentation
from fata.driver.entropy.seeded import SeededEntropy
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.runtime.loop import Loop
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing

PLAIN = Capabilities()
OFFLOADS = Capabilities(
    receive_checksum=True,
    send_checksum=True,
    send_segmentation=frozenset({Segmentation.TCP4}),
    receive_segmentation=True,
)
CHECKSUMS = Capabilities(receive_checksum=True, send_checksum=True)


def run_virtual(main: Callable[[VirtualPoller], Awaitable[None]]) -> None:
    """Run `main` in a loop of virtual time."""
    poller = VirtualPoller()

    async def run() -> None:
        await main(poller)

    with asyncio.Runner(loop_factory=lambda: Loop(poller)) as runner:
        runner.run(run())


def stacks(
    poller: VirtualPoller, number: int, capabilities: Capabilities = PLAIN, mtu: int = 1500
) -> list[DirectStack]:
    """Return hosts 10.0.0.1, 10.0.0.2 … on one switch."""
    switch = Switch(poller)
    made = []
    for host in range(1, number + 1):
        port = switch.port(bytes((2, 0, 0, 0, 0, host)), mtu=mtu, capabilities=capabilities)
        entropy = SeededEntropy(host)
        made.append(DirectStack(port, Addressing(bytes((10, 0, 0, host)), 24), entropy.octets))
    return made
