"""What `fata fat` does with an image: open it, and copy files into it and out of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fata.blocking import drive
from fata.device.kv import Kind
from fata.disk.fat.plan import Wish
from fata.driver.block.file import open_file_block
from fata.errors import ConfigError
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount
from fata.store.fat.reading import Stat

PIECE = 4 << 20  # octets copied at a time
LEAST = 1 << 20  # octets of an image
CLUSTER = 4096  # octets: what a file or directory takes at least, on the safe side
SLOTS = 23 * 32  # octets of a directory entry with the longest name
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

T = TypeVar("T")
Advance = Callable[[int], None]
Work = Callable[[FileSystem, "FileTime"], Coroutine[Any, Any, T]]


class FileTime:
    """A clock that says when the file that is being copied was last changed; None until one is."""

    def __init__(self) -> None:
        self.moment: float | None = None

    def wall(self) -> float | None:
        return self.moment


class Source(NamedTuple):
    """A file or folder of the host, and the path that it gets in the image."""

    host: Path
    path: str
    size: int  # octets; -1 for a folder


def octets(text: str) -> int:
    """Read a size: 1474560, 1440K, 64M. Raises ConfigError."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if unit not in UNITS or not number.isascii() or not number.isdigit() or not int(number):
        raise ConfigError(f"{text!r} is no size", remedy="Write it as 64M, 1440K or in octets.")
    return int(number) * UNITS[unit]


def cleaned(path: str) -> str:
    """Return a path as the file system knows it: "/css/" is "css", "/" is ""."""
    return "/".join(part for part in path.split("/") if part and part != ".")


@asynccontextmanager
async def opened(image: Path, clock: FileTime, *, writing: bool) -> AsyncIterator[FileSystem]:
    """Mount an image for a while."""
    block = await open_file_block(str(image), read_only=not writing)
    try:
        files = await mount(block, clock=clock)
        yield files
        await files.close()
    finally:
        await block.close()


def with_image(image: Path, work: Work[T], *, writing: bool = False) -> T:
    """Do something with an image's files, and return what it says."""

    async def run() -> T:
        clock = FileTime()
        async with opened(image, clock, writing=writing) as files:
            if writing:
                clock.moment = _now()
            return await work(files, clock)

    return drive(run())


def _now() -> float:
    import time

    return time.time()


def create(image: Path, size: int | None, wish: Wish, sources: list[Source], *, force: bool, advance: Advance) -> int:
    """Make an image and return its size; nothing is left of it when that fails."""
    if image.exists() and image.stat().st_size and not force:
        raise ConfigError(f"{image} is there already", remedy="Remove it, or say --force.")
    if size is None:
        if not sources:
            raise ConfigError("the image has no size", remedy="Say --size 64M, or --from a folder.")
        files = [source.size for source in sources if source.size >= 0]
        size = _room_for(files, len(sources) - len(files))
    wish = wish._replace(volume_id=int.from_bytes(secrets.token_bytes(4)))
    size -= size % wish.sector_size
    fresh = image.with_name(f".{image.name}.{secrets.token_hex(4)}")
    try:
        drive(_create(fresh, size, wish, sources, advance))
        fresh.replace(image)
    finally:
        fresh.unlink(missing_ok=True)
    return size


def _room_for(sizes: Iterable[int], directories: int) -> int:
    """Return octets of a volume that holds files of these sizes, with room to spare; a multiple of 1 MiB."""
    content = sum(-(-size // CLUSTER) * CLUSTER + SLOTS for size in sizes) + directories * (CLUSTER + SLOTS)
    needed = content + content // 50 + LEAST // 2  # the FATs take 2 entries of at most 4 octets a cluster of 512
    return -(-needed // LEAST) * LEAST


async def _create(image: Path, size: int, wish: Wish, sources: list[Source], advance: Advance) -> None:
    block = await open_file_block(str(image), create_sectors=size // 512)
    try:
        clock = FileTime()
        clock.moment = _now()
        await format_volume(block, wish, clock=clock)
        files = await mount(block, clock=clock, barriers=False)  # an image that is half made is removed
        await add(files, clock, sources, advance)
        await files.close()
    finally:
        await block.close()


def gathered(hosts: list[Path], to: str = "") -> list[Source]:
    """Return files and folders of the host with all that is in them, and where they go in the image."""
    found: list[Source] = []
    for host in hosts:
        if not host.exists():
            raise ConfigError(f"there is no {host}", remedy="Name files and folders that are there.")
        name = host.resolve().name
        found += _within(host, f"{to}/{name}" if to else name)
    return found


def contents(folder: Path) -> list[Source]:
    """Return what is in a folder."""
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", remedy="Name a folder that is there.")
    return [source for host in sorted(folder.iterdir()) for source in _within(host, host.name)]


def _within(host: Path, path: str) -> Iterator[Source]:
    if host.is_dir():
        yield Source(host, path, -1)
        for child in sorted(host.iterdir()):
            yield from _within(child, f"{path}/{child.name}")
    elif host.is_file():
        yield Source(host, path, host.stat().st_size)
    else:
        raise ConfigError(f"{host} is neither a file nor a folder", remedy="FAT keeps nothing else; leave it out.")


async def add(files: FileSystem, clock: FileTime, sources: list[Source], advance: Advance) -> None:
    """Copy from the host into an image."""
    for source in sources:
        clock.moment = source.host.stat().st_mtime
        if source.size < 0:
            await files.mkdir(source.path, parents=True)
            continue
        with source.host.open("rb") as file:
            await files.store(source.path, file.read(PIECE), parents=True)
            advance(min(PIECE, source.size))
            while piece := file.read(PIECE):
                await files.append(source.path, piece)
                advance(len(piece))


async def walk(files: FileSystem, path: str) -> AsyncIterator[tuple[str, Stat]]:
    """Yield what is at a path and, if that is a directory, all that is in it: (path, what it is)."""
    waiting = [(path, await files.stat(path))]
    while waiting:
        here, stat = waiting.pop()
        yield here, stat
        if stat.kind is Kind.DICTIONARY:
            children = [(f"{here}/{entry.name}" if here else entry.name, entry) for entry in await files.list(here)]
            waiting += reversed(children)


async def extract(files: FileSystem, path: str, to: Path, advance: Advance) -> list[Path]:
    """Copy a file or directory to the host, into the folder `to`; return the files that were written."""
    base = path.rpartition("/")[0]
    written = []
    async for here, stat in walk(files, path):
        target = to / (here[len(base) :].lstrip("/") if base else here)
        if stat.kind is Kind.DICTIONARY:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for offset in range(0, stat.size, PIECE):
                file.write(await files.read(here, offset, PIECE))
                advance(min(PIECE, stat.size - offset))
        if stat.modified is not None:
            os.utime(target, (stat.modified, stat.modified))
        written.append(target)
    return written
