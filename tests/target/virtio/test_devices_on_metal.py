"""Disks and the network of a virtual machine: `fata run` with --drive and --publish, on microvm and q35."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.www import make_large_file
from fata.wire.pcap import parse
from tests.programs import needs, needs_runtime

EXAMPLES = Path(__file__).parents[3] / "examples"
MACHINES = pytest.mark.parametrize("machine", ["microvm", "q35"])
PATIENCE = 40.0  # seconds for a machine to serve

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


def command(example: str, machine: str, *words: str) -> list[str]:
    """Return the words of `fata run` on an emulated machine."""
    fata = [sys.executable, "-m", "fata.tool.main", "run", str(EXAMPLES / example)]
    return [*fata, "-t", "virtio", "--machine", machine, "--accel", "tcg", *words]


def run(example: str, machine: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(example, machine, *words), capture_output=True, text=True, timeout=60, check=False)


@MACHINES
def test_a_disk_holds_what_was_written(machine: str, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(8 * 512))
    done = run("block", machine, "--disk", "drive", "--drive", str(image), "--seed", "65")
    assert (done.returncode, done.stdout.splitlines()[:4]) == (
        0,
        [
            "disk: 8 sectors of 512 octets, writable",
            "write: 8 sectors",
            "flush: they survive a power cut",
            "read back: 0 of 8 sectors differ",
        ],
    )
    assert image.read_bytes() == b"".join((65 + sector).to_bytes(8) * 64 for sector in range(8))


@MACHINES
def test_drives_keep_their_order_and_may_be_read_only(machine: str, tmp_path: Path) -> None:
    for sectors in (8, 9, 10):
        (tmp_path / f"{sectors}.img").write_bytes(bytes(sectors * 512))
    drives = [f"--drive={tmp_path / '8.img'}:ro", f"--drive={tmp_path / '9.img'}", f"--drive={tmp_path / '10.img'}"]
    first = run("block", machine, "--disk", "drive", *drives)
    assert first.stdout.startswith("disk: 8 sectors of 512 octets, read-only\n"), first.stdout + first.stderr
    assert "write to a read-only disk: StateError" in first.stdout
    last = run("block", machine, "--disk", "drive", *reversed(drives))
    assert last.stdout.startswith("disk: 10 sectors of 512 octets, writable\n"), last.stdout + last.stderr
    assert (tmp_path / "10.img").read_bytes() != bytes(5120)
    assert (tmp_path / "8.img").read_bytes() == bytes(4096)


@MACHINES
def test_a_machine_without_a_disk_is_told_with_the_remedy(machine: str) -> None:
    done = run("block", machine, "--disk", "drive")
    assert done.returncode == 2
    assert "the machine has no disk 0\n  Give --drive FILE." in done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(machine: str, *words: str) -> Iterator[int]:
    """Run `www` on a machine; yield the host's port that leads to it."""
    port = free_port()
    started = command("www", machine, "--publish", f"{port}:80", *words)
    process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = b""
    try:
        deadline = time.monotonic() + PATIENCE
        while b"listening on" not in output:
            assert time.monotonic() < deadline, output.decode()
            line = process.stdout.readline()
            assert line, output.decode()
            output += line
        yield port
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        assert process.returncode == 130, (output + rest).decode()
        assert b"Traceback" not in output + rest
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def curl(*words: str) -> bytes:
    return subprocess.run(["curl", "-sS", "-m", "30", *words], capture_output=True, check=True).stdout


@MACHINES
@needs("curl")
def test_a_site_is_served_by_dhcp_and_our_own_tcp(machine: str) -> None:
    make_large_file.main()
    site = EXAMPLES / "www" / "htdocs"
    with serving(machine) as port:
        url = f"http://127.0.0.1:{port}"
        for path in sorted(site.rglob("*")):
            if path.is_file():
                assert curl(f"{url}/{path.relative_to(site)}") == path.read_bytes(), path
        assert curl("-r", "1000000-1000015", f"{url}/large.bin") == make_large_file.content()[1_000_000:1_000_016]
        hundred = curl(*("-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"), f"{url}/style.css?[1-100]")
        answers = hundred.decode().split()
        assert answers[::2] == ["200"] * 100
        assert sum(map(int, answers[1::2])) == 1, "connections are not kept alive"


@needs("curl")
def test_an_address_may_be_given_and_frames_be_captured(tmp_path: Path) -> None:
    page = (EXAMPLES / "www" / "htdocs" / "index.html").read_bytes()
    capture = tmp_path / "a,b.pcap"
    words = ("--ipv4", "10.0.2.15/24", "--ipv4-gateway", "10.0.2.2", "--pcap", str(capture))
    with serving("microvm", *words) as port:
        assert curl(f"http://127.0.0.1:{port}/") == page
    frames = [record.data for record in parse(capture.read_bytes()).records]
    assert any(page[:100] in frame for frame in frames)
    assert {frame[12:14] for frame in frames} <= {b"\x08\0", b"\x08\x06", b"\x86\xdd"}
