"""The probe (tests/target/virtio/probe) on a machine with a test's choice of devices, called over its console."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fata.target.virtio.machine import Machine
from fata.target.virtio.qemu import SUFFIX, command
from tests.programs import needs, needs_runtime

PROBE = Path(__file__).parent / "probe"
PATIENCE = 40.0  # seconds for an answer
MEMORY = 192  # MiB
MACHINES = pytest.mark.parametrize("model", ["microvm", "q35"])
QEMU_TEST = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


class Refused(Exception):
    """The probe answered with an error: its name and its text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class Metal:
    """A machine that runs the probe."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket) -> None:
        self.process = process
        self._line = line
        self._stream = line.makefile("rb")

    def call(self, name: str, **words: Any) -> Any:
        """Have the probe do something; return its answer."""
        try:
            self._line.sendall(json.dumps({"call": name, **words}).encode() + b"\n")
            text = self._stream.readline()
        except OSError:
            text = b""
        if not text:
            output, _ = self.process.communicate(timeout=PATIENCE)
            raise AssertionError(f"the machine has ended: {output.decode()}")
        answer = json.loads(text)
        if "error" in answer:
            raise Refused(answer["error"], answer["text"])
        return answer["value"]

    def hang_up(self) -> None:
        """Let go of the line."""
        self._stream.close()

    def end(self, status: int = 1) -> None:
        """Have it end, and look at how; `status` is the process's: QEMU has 1 for the guest's 0."""
        self._line.sendall(b'{"call": "end"}\n')
        output, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == status, output.decode()
        assert b"Traceback" not in output


def build(folder: Path) -> Path:
    """Build the probe's image in a folder and return where it is."""
    subject = shutil.copytree(PROBE, folder / "probe")
    fata = [sys.executable, "-m", "fata.tool.main", "build", str(subject), "-t", "virtio"]
    done = subprocess.run(fata, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return subject / "build" / "virtio" / "probe.elf"


def device(model: str, kind: str, *options: str) -> tuple[str, str]:
    """Return the words that add a virtio device; `kind` is as in QEMU: "net", "blk", "rng", "serial"."""
    return "-device", ",".join((f"virtio-{kind}-{SUFFIX[model]}", *options))


def words(model: str, image: Path, line: str, devices: Sequence[str], memory: int = MEMORY) -> list[str]:
    """Return QEMU's words; q35 has the firmware that gives PCI devices their addresses."""
    plain = command(Machine(model, memory, nics=("user",)), "tcg", image, line)
    return [*plain[: plain.index("-netdev")], *devices]  # all but its own devices


@contextmanager
def probing(model: str, image: Path, folder: Path, *devices: str) -> Iterator[Metal]:
    """Run the probe beside `devices`, and call it over a virtio console."""
    path = folder / f"{model}.console"
    path.unlink(missing_ok=True)
    terminal = ("-chardev", f"socket,id=terminal,path={path},server=on,wait=off", *device(model, "serial"))
    arguments = words(model, image, "", (*terminal, "-device", "virtconsole,chardev=terminal", *devices))
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with running(process, path) as metal:
        yield metal


@contextmanager
def running(process: subprocess.Popen[bytes], path: Path) -> Iterator[Metal]:
    """Wait until the probe in a machine is ready, then call it at the socket `path`."""
    assert process.stdout is not None
    line = socket.socket(socket.AF_UNIX)
    metal = None
    try:
        output = b""
        while b"ready\n" not in output.replace(b"\r", b""):
            text = process.stdout.readline()
            assert text, output.decode()
            output += text
        line.settimeout(PATIENCE)
        _connect(line, path)
        yield (metal := Metal(process, line))
    finally:
        if metal is not None:
            metal.hang_up()
        line.close()
        process.kill()
        process.wait()
        process.stdout.close()


def _connect(line: socket.socket, path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            line.connect(str(path))
            return
        except OSError:
            assert time.monotonic() < deadline
