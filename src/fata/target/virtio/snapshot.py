"""`--snapshot`: the program is started once, when it is built, up to the point where it would read its arguments.

All modules are imported then. What it has in memory at that moment becomes a part of the image, and every start goes
on from there. It takes two starts: one with much memory, to see how much the program needs, and one with hardly more
than that, so that the image fits into a small machine.
"""

from __future__ import annotations

import hashlib
import mmap
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fata.errors import ConfigError
from fata.target.image.elf import KIB_PER_MIB, MIB, BadImage, read
from fata.target.image.snapshot import NoSnapshot, attach, find_snapshot, origin
from fata.target.output import Report
from fata.target.virtio.machine import Machine
from fata.target.virtio.qemu import command

ROOMY = 512  # MiB, of the first start
SPARE = 2  # MiB, of the second, beyond what is in use
PATIENCE = 120  # seconds, for imports
OPTION = "fata.snapshot"


def with_snapshot(image: bytes, old: Path, accel: str, report: Report) -> bytes:
    """Return an image with its snapshot; `old` may be a file that has it already.

    Raises ConfigError for a program that cannot be kept, with what it said.
    """
    digest = hashlib.sha256(image).digest()
    made = old.read_bytes() if old.is_file() else b""
    if _is_of(made, digest):
        return made
    report("starting the program for its snapshot")
    with tempfile.NamedTemporaryFile(suffix=".elf") as file:
        file.write(image)
        file.flush()
        with _started(Path(file.name), ROOMY, accel) as memory:
            used = find_snapshot(memory).used
        enough = max(-(-(len(image) + used) // MIB) + SPARE, -(-read(image).floor // KIB_PER_MIB))
        with _started(Path(file.name), enough, accel) as memory:
            return attach(image, memory, find_snapshot(memory), digest)


def _is_of(image: bytes, digest: bytes) -> bool:
    try:
        return origin(image) == digest
    except (BadImage, NoSnapshot):
        return False


@contextmanager
def _started(image: Path, memory: int, accel: str) -> Iterator[mmap.mmap]:
    """Start the image in a machine of so many MiB; give what is in the machine's memory when it has ended."""
    with tempfile.TemporaryFile() as ram:
        ram.truncate(memory * MIB)
        machine = Machine(memory=memory, memory_file=f"/proc/self/fd/{ram.fileno()}")
        try:
            done = subprocess.run(
                command(machine, accel, image, OPTION),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[ram.fileno()],
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise _failure(f"it was not ready after {PATIENCE} s", late.stdout) from None
        with mmap.mmap(ram.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            try:
                yield octets
            except NoSnapshot:
                raise _failure("it ended before it was ready", done.stdout) from None


def _failure(what: str, console: bytes | None) -> ConfigError:
    told = (console or b"").decode(errors="replace").replace("\r", "").strip()
    return ConfigError(
        f"there is no snapshot of the program: {what}\n{told}".rstrip(),
        remedy="Mend what its modules do when they are imported, or leave --snapshot out.",
    )
