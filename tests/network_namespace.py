"""Network namespaces for tests that need root: made, entered and removed, also when a test fails."""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000  # linux/sched.h
_numbers = itertools.count()


class Namespace:
    """A network namespace of iproute2. What is opened inside `entered` belongs to it for good."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ip(self, command: str) -> str:
        """Run `ip COMMAND` in the namespace."""
        return _run("ip", "-n", self.name, *command.split())

    def add_veth(self, one: str, other: str) -> None:
        """Make two interfaces that are each other's far end, and put them up."""
        self.ip(f"link add {one} type veth peer name {other}")
        for interface in (one, other):
            self.ip(f"link set {interface} up")
        for interface in (one, other):
            self.await_carrier(interface)

    def stop_offloads(self, interface: str) -> None:
        """Have an interface send what a wire could carry: frames of its MTU, with all checksums."""
        _run("ip", "netns", "exec", self.name, "ethtool", "-K", interface, *["tx", "off", "tso", "off", "gso", "off"])

    def await_carrier(self, interface: str) -> None:
        """Wait until the kernel has noticed that an interface is connected: until then it drops what it sends."""
        for _ in range(1000):
            state = self.ip(f"link show {interface}")
            if "qdisc noop " not in state and "NO-CARRIER" not in state:
                return
        raise AssertionError(f"{interface} has no carrier: {state}")

    def await_forwarding(self, *ports: str) -> None:
        """Wait until a bridge forwards what comes in at these ports and goes out there."""
        for port in ports:
            for _ in range(1000):
                state = self.ip(f"-d link show {port}")
                if "state forwarding" in state:
                    break
            else:
                raise AssertionError(f"the bridge does not forward at {port}: {state}")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put this thread into the namespace for the block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set_namespace(there)
            try:
                yield
            finally:
                _set_namespace(home)
        finally:
            os.close(there)
            os.close(home)

    def set_sysctl(self, key: str, value: str) -> None:
        """Set net.KEY, with slashes, for this namespace."""
        with self.entered():
            Path("/proc/sys/net", key).write_text(value)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace with a name of its own and the loopback up; remove it, and all interfaces in it, at the end.

    IPv6 is off, so that nothing is sent but what a test sends.
    """
    made = Namespace(f"fata-{os.getpid()}-{next(_numbers)}")
    _remove_stale()
    _run("ip", "netns", "add", made.name)
    try:
        for scope in ("all", "default"):
            made.set_sysctl(f"ipv6/conf/{scope}/disable_ipv6", "1")
        made.ip("link set lo up")
        yield made
    finally:
        _run("ip", "netns", "delete", made.name)


def _remove_stale() -> None:
    """Remove what a killed test run has left: namespaces named after a process that has ended."""
    for path in Path("/run/netns").glob("fata-*-*"):
        if not Path("/proc", path.name.split("-")[1]).exists():
            subprocess.run(["ip", "netns", "delete", path.name], capture_output=True, check=False)


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout
