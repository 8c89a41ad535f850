"""Measure with how little memory programs run, and write floors.json, which build.py copies into the manifests.

A program of each kind is built on each profile and booted with less and less memory, on both machines; what counts is
that it greets and ends with 0, several times over. It takes a minute, so it is done by hand, when `make runtime` says
that the runtime is no longer the one that was measured: `.venv/bin/python -m scripts.runtime.floors`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from fata.target.image import elf
from fata.target.image.runtime import FULL, LEAN, load_runtime
from fata.target.virtio.machine import LEAST_MEMORY, MODELS, Machine
from fata.target.virtio.qemu import command

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "build" / "runtime"
RESULT = Path(__file__).with_name("floors.json")
PLENTY = 128  # MiB
LIMIT = 20.0  # seconds for a machine
AGAIN = 3  # times that a floor has to hold
ENDED_WELL = 1  # QEMU's status: the guest's, times two, plus one
GREETING = b"hello world\n"

CONFIG = 'from fata.config import main, register\n\nregister("hello", main("app:Hello"))\n'
HELLO = (ROOT / "examples" / "hello" / "app.py").read_text(encoding="utf-8")
ASYNCIO = '''"""Greets from a task of asyncio's, after a timer."""

import asyncio

from fata.device import Console


class Hello:
    """Say hello."""

    def __init__(self, console: Console) -> None:
        self.console = console

    async def run(self) -> None:
        """Write the line and return."""
        await asyncio.sleep(0.001)
        await asyncio.create_task(self.greet())

    async def greet(self) -> None:
        """Write the line."""
        self.console.write("hello world\\n")
'''
PROGRAMS = {"hello": HELLO, "asyncio": ASYNCIO}
WITH_TLS = "\nimport ssl as ssl\n"  # asks for the full profile


def make(program: str, folder: Path) -> Path:
    """Build an image, as `build_image`, that carries no floor, so that it can be tried with any memory."""
    path = build_image(program, folder)
    octets = path.read_bytes()
    path.write_bytes(elf.embed(octets, elf.read(octets).zip, floor=0))
    return path


def build_image(program: str, folder: Path) -> Path:
    """Build the image of an application with the module app.py in an empty folder; return its path."""
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(program, encoding="utf-8")
    (folder / "config.py").write_text(CONFIG, encoding="utf-8")
    words = [sys.executable, "-m", "fata.tool.main", "build", str(folder), "-t", "virtio"]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    (path,) = (folder / "build" / "virtio").glob("*.elf")
    return path


def works(image: Path, model: str, memory: int) -> bool:
    """Whether an image greets and ends with 0 on a machine with so many MiB."""
    words = command(Machine(model, memory), "tcg", image, "")
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == ENDED_WELL and done.stdout == GREETING


def least(enough: Callable[[int], bool], low: int = LEAST_MEMORY, high: int = PLENTY) -> int:
    """Return the least number in [low, high] that is enough, each time of several. Raises ValueError if none is."""
    if not enough(high):
        raise ValueError(f"{high} is not enough either")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    while not all(enough(low) for _ in range(AGAIN)):
        low += 1
    return low


def floor(image: Path, model: str) -> int:
    """Return the least MiB with which an image works on one kind of machine."""
    return least(lambda memory: works(image, model, memory))


def measure(scratch: Path) -> dict[str, dict[str, int]]:
    """Return the floors by profile and kind of program: the greater of the two machines'."""
    floors: dict[str, dict[str, int]] = {}
    for profile, more in ((LEAN, ""), (FULL, WITH_TLS)):
        floors[profile] = {}
        for kind, program in PROGRAMS.items():
            image = make(program + more, scratch / profile / kind)
            seen = {model: floor(image, model) for model in MODELS}
            print(f"{profile} {kind}: {', '.join(f'{model} {each} MiB' for model, each in seen.items())}", flush=True)
            floors[profile][kind] = max(seen.values())
    return floors


def main() -> None:
    """Measure and write floors.json."""
    with tempfile.TemporaryDirectory() as scratch:
        floors = measure(Path(scratch))
    result = {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": load_runtime(RUNTIME / LEAN).python,
        "sha256": {
            profile: hashlib.sha256((RUNTIME / profile / "fata.elf").read_bytes()).hexdigest() for profile in floors
        },
        "floors": floors,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
