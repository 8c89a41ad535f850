"""What `fata fat` does with an image: open it, and copy files into it and out of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fata.blocking import drive
from fata.device.kv import DictionaryExpected, Kind, NoSpace, ValueExpected
from fata.disk.fat.entry import MAX_SIZE
from fata.disk.fat.errors import NotFat
from fata.disk.fat.plan import Wish, plan
from fata.errors import ConfigError, DeviceError, Unavailable
from fata.store.fat.estimate import octets_for, root_entries_for
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount
from fata.store.fat.reading import Stat
from fata.store.fat.volume import FileTooLarge
from fata.tool import disk_image
from fata.tool.disk_image import Place

PIECE = 4 << 20  # octets copied at a time

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


def cleaned(path: str) -> str:
    """Return a path as the file system knows it: "/css/" is "css", "/" is ""."""
    return "/".join(part for part in path.split("/") if part and part != ".")


@asynccontextmanager
async def opened(place: Place, clock: FileTime, *, writing: bool) -> AsyncIterator[FileSystem]:
    """Mount an image, or a partition of it, for a while."""
    async with disk_image.opened(place, writing=writing) as disk:
        try:
            files = await mount(disk, clock=clock)
        except NotFat as error:
            which = "" if place.partition is None else f", partition {place.partition}"
            raise ConfigError(
                f"{place.image}{which}: {error.reason}",
                remedy="`fata disk info` shows what is there, --partition chooses a partition.",
            ) from None
        yield files
        await files.close()


def with_image(place: Place, work: Work[T], *, writing: bool = False) -> T:
    """Do something with an image's files, and return what it says."""

    async def run() -> T:
        clock = FileTime()
        async with opened(place, clock, writing=writing) as files:
            if writing:
                clock.moment = _now()
            return await work(files, clock)

    try:
        return drive(run())
    except ValueExpected as error:
        raise ConfigError(f"{error.key!r} is a directory, where a file is needed") from None
    except DictionaryExpected as error:
        raise ConfigError(f"{error.key!r} is a file, or lies beneath one, where a directory is needed") from None


def _now() -> float:
    import time

    return time.time()


class New(NamedTuple):
    """A volume that is to be made: its shape, what goes in, and whether something that is there may go for it."""

    wish: Wish
    sources: list[Source]
    force: bool
    advance: Advance

    def shape(self) -> Wish:
        """Return the shape, with a root that all that goes into it fits into."""
        return self.wish._replace(root_entries=root_entries_for({each.path.partition("/")[0] for each in self.sources}))


def create(image: Path, size: int | None, new: New) -> int:
    """Make an image and return its size; nothing is left of it when that fails."""
    if image.is_dir():
        raise ConfigError(f"{image} is a folder", remedy="Name the file that is to be made in it.")
    if image.exists() and not image.is_file():
        raise ConfigError(f"{image} is no file", remedy="Make an image in a file, and copy it there with dd.")
    if image.exists() and image.stat().st_size and not new.force:
        raise ConfigError(f"{image} is there already", remedy="Remove it, or say --force.")
    if not image.parent.is_dir():
        raise ConfigError(f"{image}: there is no folder {image.parent}", remedy="Make it first.")
    size = _size(size, new.sources)
    size -= size % new.wish.sector_size
    fresh = image.with_name(f".{image.name}.{secrets.token_hex(4)}")
    try:
        plan(size, new.shape())  # refuses a shape that cannot be, before there is a file
        drive(_fill(Place(fresh), new, sectors=size // 512))
        fresh.replace(image)
    except Unavailable as error:
        raise Unavailable(error.reason.replace(str(fresh), str(image)), error.remedy) from None
    except DeviceError as error:
        raise DeviceError(str(error).replace(str(fresh), str(image))) from None
    finally:
        fresh.unlink(missing_ok=True)
    return size


def _size(size: int | None, sources: list[Source]) -> int:
    if size is not None:
        return size
    if not sources:
        raise ConfigError("the image has no size", remedy="Say --size 64M, or --from a folder.")
    files = [source.size for source in sources if source.size >= 0]
    return octets_for(files, len(sources) - len(files))


def create_within(place: Place, new: New) -> int:
    """Make a volume of a partition and return its size. Raises ConfigError if something is there already."""

    async def checked() -> int:
        async with disk_image.opened(place, writing=False) as disk:
            found = await disk_image.contents_of(disk)
            if found != disk_image.NOTHING and not new.force:
                what = disk_image.NAMES.get(found, "something")
                raise ConfigError(
                    f"{place.image}, partition {place.partition}: holds {what} already",
                    remedy="Add --force to replace it.",
                )
            return disk.sectors * disk.sector_size

    size = drive(checked())
    drive(_fill(place, new))
    return size


async def _fill(place: Place, new: New, sectors: int = 0) -> None:
    """Format a disk, and copy files into it; it is made first if `sectors` are given."""
    async with disk_image.opened(place, writing=True, create_sectors=sectors) as disk:
        clock = FileTime()
        clock.moment = _now()
        await format_volume(disk, new.shape()._replace(volume_id=int.from_bytes(secrets.token_bytes(4))), clock=clock)
        files = await mount(disk, clock=clock, barriers=False)  # a volume that is half made is of no use
        try:
            await add(files, clock, new.sources, new.advance)
        except NoSpace as error:
            remedy = "Say a larger --size; without one it is chosen to fit." if type(error) is NoSpace else ""
            raise ConfigError(str(error), remedy=remedy) from None
        await files.close()


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
    """Copy from the host into an image. Raises `FileTooLarge` before anything is copied."""
    for source in sources:
        if source.size > MAX_SIZE:
            raise FileTooLarge(source.path)
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
