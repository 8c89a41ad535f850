"""`fata run --nic tap=NAME`: Linux reaches the unikernel over a TAP interface, and a TAP that cannot be had is told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.network_namespace import Namespace, namespace
from tests.programs import needs
from tests.target.virtio.metal import MACHINES, QEMU_TEST

pytestmark = [*QEMU_TEST, pytest.mark.root, needs("ping"), needs("curl")]

EXAMPLES = Path(__file__).parents[3] / "examples"
PATIENCE = 40.0  # seconds
GUEST = "10.9.0.2"


def command(model: str, *words: str) -> list[str]:
    fata = [sys.executable, "-m", "fata.tool.main", "run", str(EXAMPLES / "www"), "-t", "virtio"]
    return [*fata, "--machine", model, "--accel", "tcg", "--memory", "64", *words]


def refused(*words: str) -> str:
    """Return what `fata run` says when it does not start a machine."""
    done = subprocess.run(command("microvm", *words), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def served(model: str, *words: str) -> Iterator[list[bytes]]:
    """Run `www` on a machine; yield the lines that it has written, complete at the end."""
    process = subprocess.Popen(command(model, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    lines: list[bytes] = []
    try:
        deadline = time.monotonic() + PATIENCE
        while not any(b"listening on" in line for line in lines):
            assert time.monotonic() < deadline, lines
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        yield lines
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        lines += rest.splitlines(keepends=True)
        assert process.returncode == 130, lines
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def space() -> Iterator[Namespace]:
    """A namespace with the TAP interface t0."""
    with namespace() as made, made.entered():
        made.ip("tuntap add t0 mode tap")
        made.ip("addr add 10.9.0.1/24 dev t0")
        made.ip("link set t0 up")
        yield made


@MACHINES
def test_linux_pings_and_fetches(model: str, space: Namespace) -> None:
    words = ("--nic", "tap=t0", "--ipv4", f"{GUEST}/24", "--stats")
    with served(model, *words) as lines:
        said = subprocess.run(["ping", "-c", "3", "-i", "0.2", "-s", "1400", GUEST], capture_output=True, check=True)
        assert b" 3 received" in said.stdout
        for path in ("index.html", "style.css"):
            got = subprocess.run(["curl", "-sS", "-m", "20", f"http://{GUEST}/{path}"], capture_output=True, check=True)
            assert got.stdout == (EXAMPLES / "www" / "htdocs" / path).read_bytes()
        if model == "microvm":
            assert "--nic tap=t0: another program has it" in refused(*words)
    text = b"".join(lines).decode()
    assert re.search(r"network 10\.9\.0\.2 after \d+ s: [\d,]+ frames received", text)
    assert re.search(r"card: [\d,]+ notifications, [\d,]+ interrupts", text)
    assert re.search(r"memory: [\d.]+ MiB in use of [\d.]+", text)


def test_a_tap_that_cannot_be_had_is_told_with_the_remedy(space: Namespace) -> None:
    assert "--nic tap=t1: there is no such interface\n  Make it: ip tuntap add t1 mode tap" in refused(
        "--nic", "tap=t1"
    )
    assert "--nic tap=lo: it is not a TAP interface" in refused("--nic", "tap=lo")
    space.ip("link set t0 down")
    assert "--nic tap=t0: the interface is down\n  Put it up: ip link set t0 up" in refused("--nic", "tap=t0")
