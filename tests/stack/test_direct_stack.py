"""Our stack keeps the contract of every Stack, between two hosts and on one, with and without offloads."""

from __future__ import annotations

import asyncio

from fata.device.net import Capabilities
from fata.driver.poller.virtual import VirtualPoller
from tests.conformance.stack import Network, StackContract, Test
from tests.stack.networks import CHECKSUMS, OFFLOADS, PLAIN, run_virtual, stacks

PATIENCE = 600  # seconds of virtual time: connecting to a host that has gone takes 180


def run(test: Test, capabilities: Capabilities, *, hosts: int) -> None:
    async def main(poller: VirtualPoller) -> None:
        made = stacks(poller, hosts, capabilities)
        async with asyncio.timeout(PATIENCE):
            try:
                await test(Network(made[0], made[-1], made[0].address))
            finally:
                for stack in made:
                    await stack.close()

    run_virtual(main)


class TestTwoHosts(StackContract):
    def run(self, test: Test) -> None:
        run(test, PLAIN, hosts=2)


class TestTwoHostsWithOffloads(StackContract):
    def run(self, test: Test) -> None:
        run(test, OFFLOADS, hosts=2)


class TestTwoHostsWithChecksumOffload(StackContract):
    def run(self, test: Test) -> None:
        run(test, CHECKSUMS, hosts=2)


class TestOneHost(StackContract):
    def run(self, test: Test) -> None:
        run(test, PLAIN, hosts=1)
