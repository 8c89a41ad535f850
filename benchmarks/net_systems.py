"""The systems of `benchmarks.net`: each a process of its own, reached from one namespace over an interface of its own.

Our stack and lwIP have a TAP interface there. The kernel's sockets are in a namespace behind a veth pair, so that
their traffic passes a card too, and not the loopback's short cut; and so is our stack twice more, through AF_PACKET
without and with rings.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.net_loads import LAST_PORT
from tests.network_namespace import Namespace, namespace

ROOT = Path(__file__).parents[1]
LWIP = ROOT / "build" / "lwip" / "services"
SOURCE = ROOT / "benchmarks" / "lwip" / "services.c"

OFFLOAD, MTU, PACKET, RING, ASYNCIO, LINUX, LINUX_MTU, LWIP_MTU = (
    "ours, offload", "ours, MTU", "ours, veth", "ours, rings", "asyncio", "Linux, offload", "Linux, MTU", "lwIP",
)  # fmt: skip


class System(NamedTuple):
    """A process under load."""

    process: int
    address: str


@contextmanager
def started() -> Iterator[tuple[Namespace, dict[str, System]]]:
    """Start all systems; give the namespace from which they are reached."""
    compile_lwip()
    with ExitStack() as stack:
        space = stack.enter_context(namespace())
        space.set_sysctl("ipv4/ip_local_port_range", f"{LAST_PORT} 65535")
        systems = {}
        for number, name in enumerate((OFFLOAD, MTU, LWIP_MTU)):
            systems[name] = stack.enter_context(_behind_tap(space, number, name))
        for number, name in enumerate((PACKET, RING, ASYNCIO, LINUX, LINUX_MTU), 10):
            other = stack.enter_context(namespace())
            systems[name] = stack.enter_context(_behind_veth(space, other, number, name))
        yield space, systems


def compile_lwip() -> None:
    """Compile our services for lwIP unless that has been done."""
    if LWIP.exists() and LWIP.stat().st_mtime > SOURCE.stat().st_mtime:
        return
    LWIP.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-I/usr/include/lwip", SOURCE, "-o", LWIP, "-llwip"], check=True)


@contextmanager
def _behind_tap(space: Namespace, number: int, name: str) -> Iterator[System]:
    space.ip(f"tuntap add t{number} mode tap")
    space.ip(f"address add 10.99.{number}.1/24 dev t{number}")
    space.ip(f"link set t{number} up")
    address = f"10.99.{number}.2"
    words = [str(LWIP), f"t{number}", address]
    if name != LWIP_MTU:
        how = "offload" if name == OFFLOAD else "mtu"
        words = _python(how, "--interface", f"t{number}", "--cidr", f"{address}/24")
    with _running(space, address, words) as system:
        yield system


@contextmanager
def _behind_veth(space: Namespace, other: Namespace, number: int, name: str) -> Iterator[System]:
    far, near = f"v{number}", f"w{number}"
    space.ip(f"link add {far} type veth peer name {near} netns {other.name}")
    for side, interface, host in ((space, far, 1), (other, near, 2)):
        if side is space or name not in (PACKET, RING):
            side.ip(f"address add 10.99.{number}.{host}/24 dev {interface}")
        if name == LINUX_MTU:
            side.stop_offloads(interface)
        side.ip(f"link set {interface} up")
    space.await_carrier(far)
    how = {PACKET: "packet", RING: "ring", ASYNCIO: "asyncio"}.get(name, "linux")
    address = f"10.99.{number}.2"
    words = _python(how, "--cidr", f"{address}/24", "--interface", near)
    with _running(other, address, words) as system:
        yield system


def _python(*words: str) -> list[str]:
    return [sys.executable, "-c", "from benchmarks.net_programs import main; main()", *words]


@contextmanager
def _running(space: Namespace, address: str, words: list[str]) -> Iterator[System]:
    """Run a program in a namespace, from when it says "ready" until the block ends."""
    with space.entered():
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{words[0]} has not begun")
        yield System(process.pid, address)
    finally:
        process.kill()
        process.communicate()
