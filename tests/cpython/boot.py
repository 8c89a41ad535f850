"""Boot batches of test modules under QEMU, each with a time limit; what kills a guest does not take the others with it."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from tests.cpython.image import make
from tests.cpython.records import Console, Module
from tests.kernel.machine import DEBUG_EXIT, command, running

MEMORY = 768  # MiB: an eighth of it is /tmp, where the tests are unpacked
AT_ONCE = 16  # modules in one boot
GRACE = 15.0  # seconds in which the guest itself ends a module that is over its limit, and tells where it was
Image = Callable[[list[str]], bytes]


class NotBooted(Exception):
    """A guest ended before its first module began; the text is what it printed."""


def run(modules: list[str], limit: float, image: Image = make, machine: str = "microvm") -> Iterator[Module]:
    """Yield every module's results; `limit` is the seconds that each has, 0 < limit."""
    left = iter(modules)
    while batch := list(islice(left, AT_ONCE)):
        while batch:
            ended = boot(batch, limit, image(batch), machine)
            yield from ended
            batch = batch[len(ended) :]


def boot(batch: list[str], limit: float, octets: bytes, machine: str = "microvm") -> list[Module]:
    """Run the modules of `batch` until the guest stops; return those that began."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        path.write_bytes(octets)
        words = command(path, " ".join((str(limit), *batch)), machine, MEMORY, *DEBUG_EXIT)
        with running(words) as process:
            console = follow(process, limit)
    if not console.modules:
        raise NotBooted(console.printed.decode(errors="replace"))
    return console.modules


def follow(process: subprocess.Popen[bytes], limit: float) -> Console:
    """Read the console until the guest ends, or a module (or the start) takes longer than it may."""
    assert process.stdout is not None
    console, began, count = Console(), time.monotonic(), 0
    while True:
        if len(console.modules) != count:
            began, count = time.monotonic(), len(console.modules)
        left = began + limit + GRACE - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            process.kill()
            console.stopped(f"cut off: it ran for more than {limit:.0f} s", limit)
            return console
        octets = os.read(process.stdout.fileno(), 1 << 16)
        if not octets:
            if not console.done:
                console.stopped("the guest ended", time.monotonic() - began)
            return console
        console.receive(octets)
