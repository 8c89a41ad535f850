"""What one frame costs the virtio-net driver: processor time of its own, without a machine and without a stack.

The device is one of the tests' models, whose part is not timed. Frames have 200 octets or 60,000; a list of them is one
notification and one interrupt. How often a real device is notified is counted by `tests/target/virtio`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time

from benchmarks.table import Table
from fata.device.net import SentFrame
from fata.device.poller import Software
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio import net
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.net import VirtioNet
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_net import ModelNet

MAC = bytes.fromhex("020000000001")
HEADER = bytes(10)  # nothing is to be done; the number of buffers follows
SMALL, LARGE = 200, 60_000  # octets
ROUNDS = 400


class Silent(ModelNet):
    """A card that is served between the measurements."""

    def notice(self, number: int) -> None:
        """Wait until it is asked."""


class Bench:
    """The driver, and its device at hand."""

    def __init__(self) -> None:
        poller, memory = VirtualPoller(), ModelMemory()
        self.card = Silent(memory, lambda: None, Switch(poller), MAC)
        self.net = VirtioNet(Mmio("card", self.card), memory, poller, Software("line"))
        assert self.net.raw.tcp_header is not None
        self.header = self.net.raw.tcp_header

    def arrive(self, count: int, size: int) -> None:
        """Put frames into the ring."""
        queue = self.card.queues[net.RECEIVING]
        for _ in range(count):
            rest, used = HEADER + b"\0\0" + bytes(size), []
            while rest:
                chain = queue.next()
                assert chain is not None
                written = chain.write(rest)
                used.append((chain, written))
                rest = rest[written:]
            used[0][0].writable[0][10:12] = len(used).to_bytes(2, "little")
            for chain, written in used:
                queue.put(chain.head, written)
        queue.show()

    def leave(self) -> None:
        """Take what was sent."""
        queue = self.card.queues[net.SENDING]
        while (chain := queue.next()) is not None:
            queue.put(chain.head, 0)
        queue.show()


def measure(
    before: Callable[[], object], timed: Callable[[], object], after: Callable[[], object], count: int
) -> float:
    """Return µs a frame: the median of many lists of `count`."""
    times = []
    for _ in range(ROUNDS):
        before()
        began = process_time()
        timed()
        times.append(process_time() - began)
        after()
    return sorted(times)[ROUNDS // 2] / count * 1e6


def main() -> int:
    """Print the table."""
    bench = Bench()
    card = bench.net

    def nothing() -> None:
        """Be what is before or after."""

    with Table(
        "virtio-net: µs a frame, driver only", "frames", "a list", "as values", "as they lie in memory"
    ) as table:
        for count, size in ((1, SMALL), (16, SMALL), (4, LARGE)):
            times = [
                measure(lambda: bench.arrive(count, size), receive, nothing, count)  # noqa: B023  # called at once
                for receive in (card.receive, card.receive_raw)
            ]
            table.row(f"received, {size} octets", count, *times)
        for count in (1, 16):
            values = [SentFrame([bytes(66), bytes(SMALL - 66)], 34, 16)] * count
            raw = [bench.header + bytes(SMALL)] * count
            times = [
                measure(nothing, lambda: card.send_raw(frames), bench.leave, count)  # noqa: B023  # called at once
                for frames in (values, raw)
            ]
            table.row(f"sent, {SMALL} octets", count, *times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
