"""A cable between our stack and the Linux kernel's, for tests with real peers.

Our side is 10.99.0.2, opened in `near`; the kernel has 10.99.0.1 in `far`. Over TAP both are one namespace; over
a veth pair each end has its own, so that the kernel cannot take a short cut.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fata.device.net import Net
from fata.device.poller import Poller
from fata.driver.entropy.os import OsEntropy
from fata.driver.net.packet import Packet
from fata.driver.net.tap import Tap
from fata.driver.poller.epoll import EpollPoller
from fata.runtime.loop import Loop
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from fata.wire.ipv4 import parse_address
from tests.network_namespace import Namespace, namespace

OURS, KERNELS, PREFIX = "10.99.0.2", "10.99.0.1", 24
RPS = "core/rps_default_mask"  # which processors take what comes to a new interface
PATIENCE = 28  # seconds that a test with a peer may take in all

T = TypeVar("T")
Wrap = Callable[[Net, Poller, Any], Net]


class Cable(NamedTuple):
    """Where both sides are, and the name of our interface."""

    near: Namespace
    far: Namespace
    interface: str
    far_interface: str
    offload: bool

    @property
    def words(self) -> tuple[str, ...]:
        """What `fata run` has to be told."""
        return ("--net", "direct", "--interface", self.interface, "--ipv4", f"{OURS}/{PREFIX}")

    def open(self, poller: Poller) -> Net:
        """Open our end."""
        with self.near.entered():
            kind = Tap if self.interface == self.far_interface else Packet
            net: Net = kind(poller, self.interface, offload=self.offload)
        self.far.await_carrier(self.far_interface)
        return net

    def run(self, *words: str, wait: float = PATIENCE) -> bytes:
        """Run a command at the kernel's side; return what it prints. It must succeed."""
        with self.far.entered():
            done = subprocess.run(words, capture_output=True, timeout=wait, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout

    async def asking(self, *words: str) -> bytes:
        """Run a command at the kernel's side while our loop goes on."""
        return await asyncio.to_thread(self.run, *words)

    async def calling(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call what blocks, in a thread at the kernel's side, while our loop goes on."""

        def call() -> T:
            with self.far.entered():
                return function(*arguments)

        return await asyncio.to_thread(call)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command at the kernel's side, with pipes to it."""
        with self.far.entered():
            return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def counted(self) -> dict[str, int]:
        """Return what the kernel's side has counted since it is there, by nstat's names."""
        told = json.loads(self.run("nstat", "-a", "-s", "-z", "-j"))
        numbers: dict[str, int] = told["kernel"]
        return numbers


@contextmanager
def tap(offload: bool = True) -> Iterator[Cable]:
    """Lay a TAP interface."""
    with namespace() as space:
        space.ip("tuntap add t0 mode tap")
        space.ip(f"address add {KERNELS}/{PREFIX} dev t0")
        space.ip("link set t0 up")
        yield Cable(space, space, "t0", "t0", offload)


@contextmanager
def veth(offload: bool = True) -> Iterator[Cable]:
    """Lay a veth pair, ours at its first end."""
    with namespace() as near, namespace() as far:
        if one_backlog(near):
            near.set_sysctl(RPS, "1")
        near.ip(f"link add v0 type veth peer name v1 netns {far.name}")
        far.ip(f"address add {KERNELS}/{PREFIX} dev v1")
        near.ip("link set v0 up")
        far.ip("link set v1 up")
        yield Cable(near, far, "v0", "v1", offload)


def one_backlog(near: Namespace) -> bool:
    """Say whether all frames of a new interface can be given to one processor.

    A veth's go to the backlog of whichever processor sends. When the sender is moved from one to another, both have
    some and may be emptied in either order: 3 of 25 transfers of 200 MB whose sender was moved all the time, none of 25
    with one backlog. Kernels before 6.3 have that setting for the whole machine only.
    """
    with near.entered():
        return Path(f"/proc/sys/net/{RPS}").exists()


CABLES = {"tap": tap, "veth": veth}


def run_on(cable: Cable, main: Callable[[DirectStack], Awaitable[None]], wrap: Wrap | None = None) -> None:
    """Run `main` on our loop over our stack, whose network the loop has; `wrap` may change the card."""
    poller = EpollPoller()

    async def run() -> None:
        net = cable.open(poller)
        if wrap is not None:
            net = wrap(net, poller, asyncio.get_running_loop())
        addressing = Addressing(parse_address(OURS), PREFIX, parse_address(KERNELS))
        stack = DirectStack(net, addressing, OsEntropy().octets, servers=[parse_address(KERNELS)], lend=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await main(stack)
        finally:
            await stack.close()

    with asyncio.Runner(loop_factory=lambda: Loop(poller)) as runner:
        runner.run(run())
