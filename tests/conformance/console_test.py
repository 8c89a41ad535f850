"""The contract of Console, run over every console, without an event loop and in two of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

import pytest

from fata.device.console import Console
from fata.device.poller import Software
from fata.driver.console.memory import MemoryConsole
from fata.driver.console.stdio import StdioConsole
from fata.driver.poller.epoll import EpollPoller
from fata.driver.virtio.console import VirtioConsole
from fata.driver.virtio.mmio import Mmio
from fata.errors import StateError
from fata.runtime.drive import drive
from fata.runtime.loop import Loop
from fata.sim.exploring_loop import pause
from fata.sim.interleave import Explored, Outcome, explore
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_small import ModelConsole

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Rig(Protocol):
    """A console and whoever sits before it."""

    @property
    def console(self) -> Console: ...

    def feed(self, octets: bytes) -> None: ...

    def end(self) -> None: ...

    def shown(self) -> str: ...

    def close(self) -> None: ...


class MemoryRig:
    """A MemoryConsole."""

    def __init__(self) -> None:
        self.console = MemoryConsole()

    def feed(self, octets: bytes) -> None:
        self.console.feed(octets)

    def end(self) -> None:
        self.console.end()

    def shown(self) -> str:
        return self.console.output

    def close(self) -> None:
        pass


class PipeRig:
    """A StdioConsole over two pipes."""

    def __init__(self) -> None:
        source, self._typed = os.pipe()
        self._screen, sink = os.pipe()
        self._ends = [source, self._typed, self._screen, sink]
        os.set_blocking(self._screen, False)
        self.console = StdioConsole(source, sink)

    def feed(self, octets: bytes) -> None:
        os.write(self._typed, octets)

    def end(self) -> None:
        self._ends.remove(self._typed)
        os.close(self._typed)

    def shown(self) -> str:
        return os.read(self._screen, 100_000).decode()

    def close(self) -> None:
        for end in self._ends:
            os.close(end)


def _run_on_ours(coroutine: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=lambda: Loop(EpollPoller())) as runner:
        return runner.run(coroutine)


class VirtioRig:
    """A VirtioConsole over a device in Python, whose interrupts arrive at once."""

    def __init__(self) -> None:
        line, memory = Software("interrupt"), ModelMemory()
        self._poller = EpollPoller()
        self._device = ModelConsole(memory, self._interrupt)
        self._line = line
        self.console = VirtioConsole(Mmio("console", self._device), memory, self._poller, line)

    def _interrupt(self) -> None:
        self._poller.wake(self._line)
        self._poller.wait(0.0)

    def feed(self, octets: bytes) -> None:
        self._device.feed(octets)

    def end(self) -> None:
        drive(self.console.close())

    def shown(self) -> str:
        return self._device.shown.decode()

    def close(self) -> None:
        drive(self.console.close())
        self._poller.close()


RIGS: dict[str, Callable[[], Rig]] = {"memory": MemoryRig, "stdio": PipeRig, "virtio": VirtioRig}
RUNS: dict[str, Run] = {"no loop": drive, "asyncio": asyncio.run, "our loop": _run_on_ours}
LOOPS = {name: run for name, run in RUNS.items() if name != "no loop"}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A console in its surroundings."""
    rig = RIGS[request.param]()
    yield rig
    rig.close()


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine."""
    return RUNS[request.param]


@pytest.fixture(params=LOOPS)
def run_in_loop(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine in an event loop."""
    return LOOPS[request.param]


def test_text_appears_as_it_is_and_in_order(rig: Rig) -> None:
    for text in ("one\n", "", "no newline", "\ttab \u00fc \U0001f600\r\n"):
        rig.console.write(text)
    assert rig.shown() == "one\nno newline\ttab \u00fc \U0001f600\r\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\ud800b", "a\ufffdb"), ("\udfff", "\ufffd"), ("\ud83d\ude00", "\U0001f600"), ("\udc80\u00fc", "\ufffd\u00fc")],
)
def test_what_is_no_character_is_shown_as_such(rig: Rig, text: str, shown: str) -> None:
    rig.console.write(text)
    assert rig.shown() == shown


async def _lines(console: Console) -> list[str]:
    lines = []
    while (line := await console.read_line()) is not None:
        lines.append(line)
    assert await console.read_line() is None, "an input that has ended goes on"
    return lines


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\ntwo", ["one", "two"]),
        (b"\r\n\r\n", ["", ""]),
        (b"a\rb\r\n", ["a\rb"]),
        (b"end\r", ["end\r"]),
        (b"x" * 5000 + b"\ny", ["x" * 5000, "y"]),
        ("\u00fc \U0001f600\n".encode(), ["\u00fc \U0001f600"]),
        (b"\xff\xfe ok\n\xc3\n\xa4\n", ["\ufffd\ufffd ok", "\ufffd", "\ufffd"]),
    ],
)
def test_input_comes_in_lines(rig: Rig, run: Run, typed: bytes, lines: list[str]) -> None:
    rig.feed(typed)
    rig.end()
    assert run(_lines(rig.console)) == lines


def test_a_line_is_complete_with_its_end(rig: Rig, run: Run) -> None:
    rig.feed(b"first\nsec")
    assert run(rig.console.read_line()) == "first"
    rig.feed("ond \u00fc".encode()[:-1])
    rig.feed("\u00fc".encode()[-1:] + b"\n")
    rig.end()
    assert run(_lines(rig.console)) == ["second \u00fc"]


def test_a_reader_waits_for_input_and_lets_others_work(rig: Rig, run_in_loop: Run) -> None:
    async def talk() -> list[str]:
        reader = asyncio.create_task(_lines(rig.console))
        for piece in (b"on", b"e\ntw", b"o\n", b"three"):
            await asyncio.sleep(0)
            rig.feed(piece)
        rig.end()
        return await reader

    assert run_in_loop(talk()) == ["one", "two", "three"]


def test_there_is_one_reader_at_a_time(rig: Rig, run_in_loop: Run) -> None:
    async def talk() -> str | None:
        reader = asyncio.create_task(rig.console.read_line())
        await asyncio.sleep(0)
        with pytest.raises(StateError):
            await rig.console.read_line()
        rig.feed(b"for the first\n")
        return await reader

    assert run_in_loop(talk()) == "for the first"


TEXT = b"one\n\ntw\xc3\xbc\r\nend"


@pytest.mark.parametrize("make", RIGS.values())
def test_a_cancelled_reader_loses_nothing(make: Callable[[], Rig], run_in_loop: Run) -> None:
    async def talk(rig: Rig, cut: int) -> list[str]:
        lines: list[str] = []
        for piece in (TEXT[:cut], TEXT[cut:]):
            reader = asyncio.create_task(rig.console.read_line())
            await asyncio.sleep(0)
            if piece:
                rig.feed(piece)
            await asyncio.sleep(0)  # the reader may have its line by now, or have octets of it
            reader.cancel()
            lines += [await _line_or_nothing(reader)]
        rig.end()
        return lines + await _lines(rig.console)

    async def talk_all() -> None:
        for cut in range(len(TEXT) + 1):
            rig = make()
            lines = await talk(rig, cut)
            assert "\n".join(line for line in lines if line != "cancelled") == "one\n\ntw\u00fc\nend"
            rig.close()

    run_in_loop(talk_all())


async def _line_or_nothing(reader: asyncio.Task[str | None]) -> str:
    try:
        return await reader or ""
    except asyncio.CancelledError:
        return "cancelled"


def explore_readers(make: Callable[[], MemoryConsole]) -> Explored:
    """Somebody types in pieces, a reader is cancelled anywhere, a second one takes over."""

    async def build() -> tuple[MemoryConsole, list[str]]:
        return make(), []

    async def type_pieces(world: tuple[MemoryConsole, list[str]]) -> None:
        for piece in (b"on", b"e\ntwo\nthr", b"ee\n"):
            await pause("type")
            world[0].feed(piece)

    async def read(world: tuple[MemoryConsole, list[str]]) -> None:
        for _ in range(3):
            line = await world[0].read_line()
            world[1].append(line or "")
            await pause("use the line")

    async def check(world: tuple[MemoryConsole, list[str]], outcomes: Sequence[Outcome]) -> None:
        console, lines = world
        console.end()
        assert lines + await _lines(console) == ["one", "two", "three"], "input is lost"

    return explore(build, [type_pieces, read], check, cancellations=1, cancellable=[1])


def test_no_line_is_lost_in_any_schedule() -> None:
    assert explore_readers(MemoryConsole).schedules > 10


class _DropsTheLine(MemoryConsole):
    async def read_line(self) -> str | None:
        line = await super().read_line()
        await pause("a line in hand")
        return line


class _StaysTaken(MemoryConsole):
    async def read_line(self) -> str | None:
        line = None
        if self._reading:
            raise StateError("taken")
        self._reading = True
        while (line := self._lines.next()) is None and not self._lines.ended:
            await self._more()
        self._reading = False  # not reached when the call is cancelled
        return line


@pytest.mark.parametrize("mutant", [_DropsTheLine, _StaysTaken])
def test_a_broken_console_is_caught(mutant: type[MemoryConsole]) -> None:
    with pytest.raises((AssertionError, StateError)):
        explore_readers(mutant)
