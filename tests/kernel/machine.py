"""Run an image: as a Linux program, or in QEMU without an accelerator, one at a time and with a time limit."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from fata.runtime.quoting import join
from fata.target.image.elf import embed
from tests.programs import not_built

RUNTIME = Path(__file__).parents[2] / "build" / "runtime"
GUEST_PYTHON = "/usr/bin/python3.11"
LIMIT = 60.0  # seconds for any machine
STATUS_TOLD = 0x7F  # through isa-debug-exit: look at the console's last line
DEBUG_EXIT = ("-device", "isa-debug-exit,iobase=0xf4,iosize=4")


class Result(NamedTuple):
    """How a program ended and what it wrote (standard output and error in one)."""

    status: int
    output: str
    seconds: float


# ---- images


def runtime(profile: str) -> bytes:
    """Return the runtime of a profile, or skip the test if nobody has built it."""
    path = RUNTIME / profile / "fata.elf"
    if not_built():
        pytest.skip("no runtime: `make runtime` builds it")
    return path.read_bytes()


@functools.cache
def needed_modules(roots: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules that importing `roots` loads in the guest's Python."""
    probe = "import sys; [__import__(name) for name in sys.argv[1:]]; print(*sys.modules)"
    listing = subprocess.run(
        [GUEST_PYTHON, "-I", "-S", "-c", probe, *roots], check=True, capture_output=True, text=True
    )
    return tuple(listing.stdout.split())


def image(
    program: str,
    *,
    uses: tuple[str, ...] = (),
    modules: Mapping[str, str] = MappingProxyType({}),
    profile: str = "lean",
    line: str = "",
    floor: int = 0,
) -> bytes:
    """Make an image of a `__main__` module, further `modules`, and the standard ones that they `use`."""
    elf = runtime(profile)
    frozen = set(json.loads((RUNTIME / profile / "manifest.json").read_text())["frozen"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, zipfile.ZipFile(RUNTIME / "stdlib.zip") as library:
        for name, text in {"__main__": program, **modules}.items():
            archive.writestr(f"{name}.py", text)
        names = set(library.namelist())
        for module in needed_modules(uses) if uses else ():
            stem = module.replace(".", "/")
            for name in (f"{stem}.pyc", f"{stem}/__init__.pyc"):
                if name in names and module not in frozen:
                    archive.writestr(name, library.read(name))
    return embed(elf, buffer.getvalue(), line=line, floor=floor)


# ---- running


def as_process(path: Path, *words: str) -> Result:
    """Run an image as a Linux program."""
    began = time.monotonic()
    done = subprocess.run([path, *words], stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, timeout=LIMIT, check=False)
    return Result(done.returncode, done.stdout.decode(errors="replace"), time.monotonic() - began)


def command(path: Path, line: str, machine: str, memory: int, *extra: str) -> list[str]:
    """Return the command that starts QEMU, or skip the test; `extra` may name another -cpu."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("no QEMU: Debian's qemu-system-x86 has it")
    cpu = () if "-cpu" in extra else ("-cpu", "max")
    return [
        *("qemu-system-x86_64", "-M", machine, "-accel", "tcg", *cpu, "-m", str(memory), "-kernel", str(path)),
        *("-append", line, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", *extra),
    ]


def ending(qemu_status: int, output: str) -> int:
    """Read the program's status as docs/spec/boot.md tells it."""
    if qemu_status & 1 and qemu_status >> 1 != STATUS_TOLD:
        return qemu_status >> 1
    told = re.findall(r"^exit status (\d+)$", output, re.MULTILINE)
    return int(told[-1]) if told else qemu_status


@contextmanager
def running(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start QEMU with the serial line on pipes; it is gone when the block ends."""
    process = subprocess.Popen([*arguments, "-serial", "stdio"], stdin=-1, stdout=-1, stderr=-2)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def boot(
    path: Path,
    *words: str,
    machine: str = "microvm",
    memory: int = 64,
    extra: tuple[str, ...] = DEBUG_EXIT,
    line: str | None = None,
    limit: float = LIMIT,
) -> Result:
    """Run an image in QEMU until it powers off; `limit` in seconds."""
    began = time.monotonic()
    text = join(words) if line is None else line
    # A comma in an option's value is written twice; -append is no such option and takes its word as it is.
    with running(command(path, text, machine, memory, *extra)) as process:
        raw, _ = process.communicate(timeout=limit)
        output = raw.decode(errors="replace")
        return Result(ending(process.returncode, output), output, time.monotonic() - began)


def read_until(process: subprocess.Popen[bytes], text: bytes, limit: float = LIMIT) -> bytes:
    """Read the console until `text` has come; fail when the machine ends or the time is up."""
    assert process.stdout is not None
    seen, deadline = b"", time.monotonic() + limit
    os.set_blocking(process.stdout.fileno(), False)
    while text not in seen:
        assert time.monotonic() < deadline, seen
        chunk = process.stdout.read()
        if chunk == b"":
            raise AssertionError(seen)
        seen += chunk or b""
        if not chunk:
            time.sleep(0.01)
    os.set_blocking(process.stdout.fileno(), True)
    return seen
