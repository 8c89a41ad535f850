"""dnsmasq at the kernel's end of a cable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.cable import KERNELS, Cable

TRIES = 200  # looks, each a process, until it listens


@contextmanager
def dnsmasq(cable: Cable, folder: Path, *words: str) -> Iterator[None]:
    """Run it with nothing but what `words` say; `folder` is for its files."""
    command = (
        *("dnsmasq", "--keep-in-foreground", "--no-hosts", "--no-resolv", "--conf-file=/dev/null", "--bind-interfaces"),
        *(f"--listen-address={KERNELS}", f"--pid-file={folder / 'pid'}", f"--dhcp-leasefile={folder / 'leases'}"),
        *("--user=root", f"--log-facility={folder / 'log'}", "--log-dhcp", *words),
    )
    server = cable.start(*command)
    try:
        for _ in range(TRIES):
            if cable.run("ss", "-Hlun", "sport", "=", "53"):
                break
            assert server.poll() is None, "dnsmasq has ended"
        yield
    finally:
        server.terminate()
        server.communicate(timeout=10)
