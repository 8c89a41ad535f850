"""StdioConsole: what only real descriptors do."""

from __future__ import annotations

import asyncio
import os
import posix
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fata.driver.console.stdio import StdioConsole
from fata.driver.poller.epoll import EpollPoller
from fata.errors import DeviceError
from fata.runtime.drive import drive
from fata.runtime.loop import Loop


def run_on_ours(coroutine: Any) -> Any:
    """Run on fata's own loop."""
    with asyncio.Runner(loop_factory=lambda: Loop(EpollPoller())) as runner:
        return runner.run(coroutine)


def test_a_closed_pipe_is_an_error() -> None:
    screen, sink = os.pipe()
    os.close(screen)
    with pytest.raises(DeviceError, match="nobody reads it any more"):
        StdioConsole(0, sink).write("hello\n")
    os.close(sink)


def test_a_full_disk_is_an_error() -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(DeviceError, match="No space left"):
        StdioConsole(0, full.fileno()).write("hello\n")


@pytest.mark.parametrize("blocking", [True, False])
def test_a_text_larger_than_the_pipe_arrives_whole(blocking: bool) -> None:
    screen, sink = os.pipe()
    os.set_blocking(sink, blocking)
    arrived = bytearray()

    def read() -> None:
        while octets := os.read(screen, 4096):
            arrived.extend(octets)

    reader = threading.Thread(target=read)
    reader.start()
    text = "line \u00fc\n" * 40_000
    StdioConsole(0, sink).write(text)
    os.close(sink)
    reader.join()
    os.close(screen)
    assert arrived.decode() == text


def test_a_reader_of_an_error_says_so(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(DeviceError, match="standard input: Is a directory"):
        drive(StdioConsole(folder, 1).read_line())
    os.close(folder)


@pytest.mark.parametrize("run", [drive, asyncio.run, run_on_ours])
def test_files_and_the_null_device_can_be_read(run: Callable[[Any], Any], tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"one\ntwo")
    with open(tmp_path / "input", "rb", buffering=0) as source, open(os.devnull, "rb", buffering=0) as nothing:
        console = StdioConsole(source.fileno(), 1)
        assert [run(console.read_line()) for _ in range(3)] == ["one", "two", None]
        assert run(StdioConsole(nothing.fileno(), 1).read_line()) is None


def test_a_source_that_does_not_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source, typed = os.pipe()
    os.set_blocking(source, False)
    read = posix.read

    def read_too_early(descriptor: int, count: int) -> bytes:
        try:
            return read(descriptor, count)
        except BlockingIOError:
            os.write(typed, b"late\n")
            raise

    monkeypatch.setattr(posix, "read", read_too_early)
    assert drive(StdioConsole(source, 1).read_line()) == "late"
    os.close(source)
    os.close(typed)


def program(text: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program; return what it printed."""
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, **options)


def test_what_was_printed_before_comes_before() -> None:
    ran = program(
        "from fata.driver.console.stdio import StdioConsole\n"
        "console = StdioConsole()\n"
        "print('one'); console.write('two\\n'); print('three'); console.write('four\\n')"
    )
    assert ran.stdout == "one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize(
    "statement",
    [
        "from fata.driver.console.stdio import StdioConsole; StdioConsole().write('')",
        "from fata.driver.console.memory import MemoryConsole; MemoryConsole().write('')",
        "from fata.driver.block.ramdisk import RamDisk; RamDisk(1)",
        "from fata.driver.entropy.os import OsEntropy; OsEntropy().octets(1)",
    ],
)
def test_small_drivers_bring_no_large_modules(statement: str) -> None:
    heavy = {
        "asyncio",
        "dataclasses",
        "typing",
        "logging",
        "re",
        "tempfile",
        "pathlib",
        "hashlib",
        "inspect",
        "contextlib",
    }
    ran = program(f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))")
    assert not heavy & set(ran.stdout.split())


def test_a_program_without_asyncio_reads_without_it() -> None:
    ran = program(
        "import sys; from fata.driver.console.stdio import StdioConsole\n"
        "from fata.runtime.drive import drive\n"
        "print(drive(StdioConsole().read_line()), 'asyncio' in sys.modules)",
        input="typed\n",
    )
    assert ran.stdout == "typed False\n"
