"""What a transfer achieves between two simulated hosts, measured; and the floors that docs/spec/goodput.md publishes.

    .venv/bin/python -m tests.sim.goodput        # measure and print the tables anew

Virtual time makes a measurement exact: the same seed gives the same figure on every machine.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

from fata.driver.net.line import Faults
from fata.sim.host import Host
from fata.sim.network import Simulation
from tests.sim.traffic import Digesting

PUBLISHED = Path(__file__).parents[2] / "docs" / "spec" / "goodput.md"
RATE = 20e6  # bits a second, of the bottleneck
QUEUE = 100_000  # octets that wait before it
PATIENCE = 10_000.0  # seconds of user timeout: at 30 % of loss each way a row of eight losses is nothing special
SEEDS = range(1, 26)  # that floors are measured with
SLOW = 5  # a floor comes from the fifth slowest of them: the rest is luck, at 30 % of loss without any bound
MARGIN = 0.5  # a floor is so much of that measurement, so that not every change of TCP's moves the table

BUFFERS = (4, 64, 1024)  # KiB
LOSSES = (0.0, 0.01, 0.05, 0.15, 0.3)  # each way
ROUND_TRIPS = (1, 30, 300)  # ms
TROUBLES: dict[str, dict[str, float]] = {
    "none": {},
    "reorder": {"reorder": 0.1},
    "duplicate": {"duplicate": 0.1},
    "corrupt": {"corrupt": 0.02},
}


class Case(NamedTuple):
    """A way to be measured."""

    trouble: str
    buffer: int  # KiB the receiver has
    round_trip: int  # ms
    loss: float  # share, each way

    def __str__(self) -> str:
        return f"{self.trouble}-{self.buffer}KiB-{self.round_trip}ms-{self.loss:.0%}"

    @property
    def octets(self) -> int:
        """How much is sent: less where losses, not the buffer, decide."""
        return 100_000 if self.loss >= 0.15 or self.buffer == 4 else 300_000

    @property
    def faults(self) -> Faults:
        """What befalls frames, each way. What is overtaken is so by half a round trip, but by three frames at least."""
        delay = self.round_trip / 2000
        return Faults(
            loss=self.loss,
            delay=delay,
            rate=RATE,
            queue=QUEUE,
            reorder_delay=max(delay, 0.002),
            **TROUBLES[self.trouble],  # type: ignore[arg-type]
        )


def cases() -> Iterator[Case]:
    """Yield every case of the matrix."""
    yield from itertools.starmap(Case, itertools.product(TROUBLES, BUFFERS, ROUND_TRIPS, LOSSES))


class Receiving(Digesting):
    """Notes when all has come."""

    def __init__(self, ended: asyncio.Future[float]) -> None:
        super().__init__()
        self._ended = ended

    def eof_received(self) -> bool:
        self._ended.set_result(asyncio.get_running_loop().time())
        return super().eof_received()


class Sending(asyncio.Protocol):
    """Writes as the transport lets it, ends, waits for the answer."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._sent = 0
        self._paused = False
        self.answer = b""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.began = asyncio.get_running_loop().time()
        self._write()

    def _write(self) -> None:
        while not self._paused and self._sent < len(self._payload):
            self._transport.write(self._payload[self._sent : self._sent + 16384])
            self._sent += 16384
        if self._sent >= len(self._payload):
            self._transport.write_eof()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._write()

    def data_received(self, data: bytes) -> None:
        self.answer += data

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.lost.set_result(None)
        else:
            self.lost.set_exception(exc)


def set_up(host: Host, buffer: int) -> None:
    """Give a host's connections so many octets to receive into, and patience."""
    tcp = host.stack.host.tcp
    tcp.settings = replace(tcp.settings, receive_buffer=buffer, user_timeout=PATIENCE, syn_timeout=PATIENCE)


def measure(case: Case, seed: int) -> float:
    """Send over such a line; return the goodput in kB/s. All must arrive, equal and in order, and both ends end."""
    with Simulation(seed) as sim:
        server, client = sim.host("server", link=case.faults), sim.host("client")
        return sim.run(_transfer(case, seed, server, client))


async def _transfer(case: Case, seed: int, server: Host, client: Host) -> float:
    for host in (server, client):
        set_up(host, case.buffer * 1024)
    payload = Random(seed).randbytes(case.octets)
    ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    await server.stack.create_server(lambda: Receiving(ended), port=7)
    _, sending = await client.stack.create_connection(lambda: Sending(payload), server.address, 7)
    await sending.lost
    assert sending.answer == sha256(payload).digest()
    for host in (server, client):
        assert host.stack.host.tcp.host.pool.held == 0
    return case.octets / 1000 / (ended.result() - sending.began)


def published() -> dict[Case, float]:
    """Return the floors, in kB/s."""
    floors: dict[Case, float] = {}
    trouble = ""
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## .*\((\w+)\)$", line):
            trouble = heading[1]
        elif row := re.match(r"\| (\d+) KiB \| (\d+) ms \|((?: [\d.,]+ \|)+)$", line):
            numbers = [float(cell.replace(",", "")) for cell in row[3].split("|")[:-1]]
            for loss, floor in zip(LOSSES, numbers, strict=True):
                floors[Case(trouble, int(row[1]), int(row[2]), loss)] = floor
    return floors


def main() -> None:
    """Print the tables."""
    for case in cases():
        if (case.buffer, case.round_trip, case.loss) == (BUFFERS[0], ROUND_TRIPS[0], LOSSES[0]):
            heading = " | ".join(f"loss {loss:.0%}" for loss in LOSSES)
            sys.stdout.write(f"\n## … ({case.trouble})\n\n| buffer | round trip | {heading} |\n|---|---|{'---|' * 5}\n")
        if not case.loss:
            sys.stdout.write(f"| {case.buffer} KiB | {case.round_trip} ms |")
        sys.stdout.write(f" {_rounded(floor(case))} |")
        sys.stdout.write("\n" if case.loss == LOSSES[-1] else "")
        sys.stdout.flush()


def _rounded(number: float, digits: int = 2) -> str:
    """Round down, to so many digits that count."""
    step = next(step for step in (100, 10, 1, 0.1, 0.01) if number >= step * 10 ** (digits - 1) or step == 0.01)
    return f"{number // step * step:,.{0 if step >= 1 else 1 if step == 0.1 else 2}f}"


def floor(case: Case) -> float:
    """Measure what may be promised, in kB/s."""
    return MARGIN * sorted(measure(case, seed) for seed in SEEDS)[SLOW - 1]


def typical(case: Case, seeds: Sequence[int]) -> float:
    """Return the median goodput, in kB/s."""
    return median(measure(case, seed) for seed in seeds)


if __name__ == "__main__":
    main()
