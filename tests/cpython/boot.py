"""Boot batches of test modules under QEMU, each module with a time limit; killing a guest is one module's failure."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from tests.cpython.image import make_listed
from tests.cpython.records import Console, Module
from tests.kernel.machine import DEBUG_EXIT, command, running

MEMORY = 768  # MiB: an eighth of it is /tmp, where the tests are unpacked
AT_ONCE = 16  # modules in one boot
LIMIT = 240.0  # seconds for one module
GRACE = 15.0  # seconds in which the guest itself ends a module that is over its limit, and tells where it was
Image = Callable[[list[str]], bytes]


class NotBooted(Exception):
    """A guest ended before its first module began; the text is what it printed."""


def run(
    modules: list[str], limit: float = LIMIT, image: Image = make_listed, machine: str = "microvm"
) -> Iterator[Module]:
    """Yield every module's results; `limit` is the seconds that each has, 0 < limit. Raises NotBooted."""
    left = iter(modules)
    while batch := list(islice(left, AT_ONCE)):
        while batch:
            count = 0
            for module in boot(batch, limit, image(batch), machine):
                yield module
                count += 1
            batch = batch[count:]


def boot(batch: list[str], limit: float, octets: bytes, machine: str = "microvm") -> Iterator[Module]:
    """Run the modules of `batch` until the guest stops; yield those that began, the last perhaps cut off."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        path.write_bytes(octets)
        words = command(path, " ".join((str(limit), *batch)), machine, MEMORY, *DEBUG_EXIT)
        with running(words) as process:
            yield from follow(process, limit)


def follow(process: subprocess.Popen[bytes], limit: float, grace: float = GRACE) -> Iterator[Module]:
    """Yield modules as they end, until the guest does, or one of them (or the start) takes longer than it may."""
    console, told = Console(), 0
    while not console.stopped:
        receive(process, console, limit, grace)
        for module in console.ended[told:]:
            yield module
            told += 1
    if not told:
        raise NotBooted(console.printed.decode(errors="replace"))


def receive(process: subprocess.Popen[bytes], console: Console, limit: float, grace: float) -> None:
    """Read on until a further module has begun, or the guest has stopped."""
    assert process.stdout is not None
    began, count = time.monotonic(), len(console.modules)
    while len(console.modules) == count and not console.stopped:
        left = began + limit + grace - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            process.kill()
            console.stop(f"cut off: it ran for more than {limit:.0f} s", limit)
        elif octets := os.read(process.stdout.fileno(), 1 << 16):
            console.receive(octets)
        else:
            console.stop("the guest ended", time.monotonic() - began)
