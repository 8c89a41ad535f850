"""Does with a machine's devices what it is told: a line of JSON on its console is a call, the next one its answer."""

import asyncio
import json
import time
from binascii import a2b_base64, b2a_base64
from itertools import count
from typing import Any

from fata.device import Console, Entropy
from fata.device.poller import Interrupt, Poller
from fata.driver.entropy.os import OsEntropy
from fata.driver.virtio import block, console, entropy, net
from fata.driver.virtio.block import VirtioBlock
from fata.driver.virtio.entropy import VirtioRng
from fata.driver.virtio.net import VirtioNet
from fata.errors import FataError, StateError
from fata.runtime.hardware import Machine, device, hardware
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import read_addressing

PIECE = 1 << 16


class Probe:
    """Answer calls until the call `end`."""

    def __init__(self, console: Console, entropy: Entropy) -> None:
        self.console = console
        self.entropy = entropy
        self.numbers = count()
        self.disks: dict[int, VirtioBlock] = {}
        self.stacks: dict[int, DirectStack] = {}
        self.notified = 0

    async def run(self) -> None:
        """Read calls, write answers."""
        print("ready", flush=True)
        while (line := await self.console.read_line()) is not None:
            words = json.loads(line)
            name = words.pop("call")
            if name == "end":
                break
            try:
                answer = {"value": await getattr(self, name)(**words)}
            except FataError as error:
                answer = {"error": type(error).__name__, "text": str(error)}
            self.console.write(json.dumps(answer) + "\n")
        for stack in self.stacks.values():
            await stack.close()

    def _open(self, kind: int, number: int) -> tuple[Any, Machine, Poller, Interrupt]:
        transport, source = _device(kind, number)
        honest = transport.notify

        def notify(queue: int) -> None:
            self.notified += 1
            honest(queue)

        transport.notify = notify
        self.event = source.number
        loop: Any = asyncio.get_running_loop()
        return transport, hardware(), loop.poller, source

    async def devices(self) -> dict[str, int]:
        """Count the devices of each kind."""
        kinds = {"net": net.KIND, "block": block.KIND, "console": console.KIND, "rng": entropy.KIND}
        found = {}
        for name, kind in kinds.items():
            found[name] = next(number for number in count() if device(kind, number) is None)
        return found

    async def counters(self) -> dict[str, float]:
        """What has happened so far."""
        machine = hardware().machine()
        interrupts = machine["interrupts"]
        return {"interrupts": interrupts, "notified": self.notified, "free": machine["pages_free"]}

    async def random(self, octets: int) -> dict[str, str]:
        """Draw from the hypervisor itself, and from the machine."""
        transport, _ = _device(entropy.KIND, 0)
        rng = VirtioRng(transport, hardware(), time.sleep)
        drawn = rng.octets(octets)
        rng.close()
        return {"hypervisor": drawn.hex(), "machine": OsEntropy().octets(octets).hex()}

    # Disks.

    async def open_disk(self, number: int, masked: int = 0) -> dict[str, object]:
        """Open a disk; the answer has what to call it."""
        disk = VirtioBlock(*self._open(block.KIND, number), masked=masked)
        handle = next(self.numbers)
        self.disks[handle] = disk
        shape = {"sectors": disk.sectors, "sector_size": disk.sector_size, "read_only": disk.read_only}
        return {"disk": handle, "event": self.event, "features": disk._session.features, **shape}

    async def read(self, disk: int, sector: int, count: int) -> str:
        """Read; octets travel as base64."""
        return b2a_base64(await self.disks[disk].read(sector, count), newline=False).decode()

    async def write(self, disk: int, sector: int, data: str) -> None:
        """Write likewise."""
        await self.disks[disk].write(sector, a2b_base64(data))

    async def flush(self, disk: int) -> None:
        """Flush."""
        await self.disks[disk].flush()

    async def discard(self, disk: int, sector: int, count: int) -> None:
        """Discard."""
        await self.disks[disk].discard(sector, count)

    async def close_disk(self, disk: int) -> None:
        """Close."""
        await self.disks[disk].close()

    async def exercise(self, disk: int) -> dict[str, int]:
        """Write every sector, several at once, and read all back; return how much was under way at most."""
        subject = self.disks[disk]
        size, most = subject.sector_size, 0

        async def one(sector: int) -> int:
            nonlocal most
            octets = bytes([sector & 0xFF, disk]) * (size // 2)
            await subject.write(sector, octets)
            most = max(most, len(subject._under_way))
            return int(await subject.read(sector, 1) != octets)

        wrong = sum(await asyncio.gather(*map(one, range(subject.sectors))))
        await subject.flush()
        octets = await subject.read(0, subject.sectors)
        wrong += sum(octets[sector * size] != sector & 0xFF for sector in range(subject.sectors))
        await subject.discard(1, subject.sectors - 2)
        ends = await subject.read(0, 1) + await subject.read(subject.sectors - 1, 1)
        wrong += ends != octets[:size] + octets[-size:]
        return {"wrong": wrong, "under_way": most}

    async def exercise_all(self, times: int) -> int:
        """Exercise all disks at once, again and again; return how many sectors were wrong."""
        results = []
        for _ in range(times):
            results += await asyncio.gather(*map(self.exercise, self.disks))
        return sum(each["wrong"] for each in results)

    # Cards.

    async def open_card(self, number: int, ipv4: str, masked: int = 0) -> dict[str, object]:
        """Open a card and a stack over it, with a server that says everything twice."""
        card = VirtioNet(*self._open(net.KIND, number), masked=masked)
        stack = DirectStack(card, read_addressing(ipv4, None), OsEntropy().octets)
        self.stacks[number] = stack
        await stack.create_server(Echo, port=7)
        offers = card.capabilities
        return {
            "features": card._session.features,
            "mtu": card.mtu,
            "segmentation": sorted(kind.value for kind in offers.send_segmentation),
            "joined": offers.receive_segmentation,
        }

    async def close_card(self, number: int) -> None:
        """Close the stack, and the card."""
        await self.stacks.pop(number).close()

    async def fetch(self, card: int, host: str, port: int, octets: int) -> int:
        """Send octets to a server that echoes them; return how many came back right."""
        transport, caller = await self.stacks[card].create_connection(lambda: Caller(octets), host, port)
        caller.begin()
        async with asyncio.timeout(30):
            await caller.done
        transport.close()
        return caller.right


def _device(kind: int, number: int) -> tuple[Any, Interrupt]:
    found = device(kind, number)
    if found is None:
        raise StateError(f"the machine has no device {number} of kind {kind}")
    return found


class Echo(asyncio.Protocol):
    """Sends back whatever comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]


class Caller(asyncio.Protocol):
    """Sends a pattern and compares what comes back."""

    def __init__(self, octets: int) -> None:
        self.pattern = bytes(range(251)) * (octets // 251 + 1)
        self.octets = octets
        self.right = self.seen = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def begin(self) -> None:
        """Send all of it."""
        self.transport.write(self.pattern[: self.octets])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if data == self.pattern[self.seen : self.seen + len(data)]:
            self.right += len(data)
        self.seen += len(data)
        if self.seen >= self.octets and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)
