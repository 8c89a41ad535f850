"""fata fat: images of FAT volumes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fata.blocking import drive
from fata.device.kv import Kind
from fata.disk.fat.plan import Wish
from fata.errors import ConfigError
from fata.tool import fat_image
from fata.tool.disk_image import Place, opened
from fata.tool.fat_image import FileTime, cleaned, with_image
from fata.tool.image_options import image_argument, sector_option
from fata.tool.quantity import octets
from fata.tool.screen import bar, json_option, printable, say, show_json, table

if TYPE_CHECKING:
    from fata.store.fat.file_system import FileSystem
    from fata.store.fat.findings import Finding
    from fata.store.fat.reading import Stat


def on_image(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument IMAGE and the option --partition, as one `Place`."""

    @image_argument
    @click.option("--partition", type=click.IntRange(min=1), help="The partition of IMAGE that is meant; else all.")
    @wraps(function)
    def call(image: Path, partition: int | None, **options: Any) -> None:
        function(Place(image, partition=partition), **options)

    return call


@click.group()
def command() -> None:
    """Make, read, change, check and repair images of FAT volumes.

    Paths in an image are written with "/"; case does not matter.
    """


@command.command()
@on_image
@click.option("--size", help="Such as 64M or 1440K; with --from it may be left out.")
@click.option("--type", "bits", type=click.Choice(["12", "16", "32"]), help="The type; else the size decides.")
@click.option("--label", default="", help="The volume's label, up to 11 characters.")
@sector_option
@click.option("--cluster-size", type=int, help="In octets, up to 32768; else the size decides.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Copy what is in this folder.")
@click.option("--force", is_flag=True, help="Replace an image that is there.")
@json_option
def create(
    place: Place,
    size: str | None,
    bits: str | None,
    label: str,
    sector_size: str,
    cluster_size: int | None,
    source: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make an image, empty or with what is in a folder."""
    sources = [] if source is None else fat_image.contents(source)
    wish = Wish(int(bits) if bits else None, int(sector_size), cluster_size, label)
    total = sum(max(each.size, 0) for each in sources)
    with bar("copying", total, quiet=as_json) as advance:
        new = fat_image.New(wish, sources, force, advance)
        if place.partition is None:
            made = fat_image.create(place.image, octets(size) if size is not None else None, new)
        elif size is not None:
            raise ConfigError("a partition has its size already", remedy="Leave --size out.")
        else:
            made = fat_image.create_within(place, new)
    _tell(
        as_json,
        {"image": str(place.image), "octets": made, "files": _count(sources)},
        f"made {place.image} ({made:,} octets)",
    )


@command.command()
@on_image
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", default="", help="Directory in the image; it is made if need be.")
@json_option
def add(place: Place, files: tuple[Path, ...], to: str, as_json: bool) -> None:
    """Copy FILES, and folders with all that is in them, into an image. Files that are there are replaced."""
    sources = fat_image.gathered(list(files), cleaned(to))

    async def work(volume: FileSystem, clock: FileTime) -> None:
        await fat_image.add(volume, clock, sources, advance)

    with bar("copying", sum(max(each.size, 0) for each in sources), quiet=as_json) as advance:
        with_image(place, work, writing=True)
    _tell(as_json, {"image": str(place.image), "files": _count(sources)}, f"added {_count(sources)} files")


@command.command("list")
@on_image
@click.argument("path", default="")
@click.option("--recursive", "-r", is_flag=True, help="Also what is in directories.")
@json_option
def list_(place: Place, path: str, recursive: bool, as_json: bool) -> None:
    """List a directory of an image: kind, size, time (UTC) and name."""

    async def work(volume: FileSystem, _: FileTime) -> list[tuple[str, Stat]]:
        if recursive:
            return [(name, stat) async for name, stat in fat_image.walk(volume, cleaned(path)) if name != cleaned(path)]
        return [(entry.name, entry) for entry in await volume.list(cleaned(path))]

    found = with_image(place, work)
    if as_json:
        show_json([_as_data(name, stat) for name, stat in found])
        return
    for name, stat in found:
        directory = stat.kind is Kind.DICTIONARY
        size = "directory" if directory else f"{stat.size:,}"
        click.echo(f"{size:>13}  {_when(stat.modified) or '-':19}  {printable(name)}{'/' if directory else ''}")


@command.command()
@on_image
@click.argument("paths", nargs=-1, required=True)
def cat(place: Place, paths: tuple[str, ...]) -> None:
    """Write files of an image on standard output."""

    async def work(volume: FileSystem, _: FileTime) -> None:
        for path in map(cleaned, paths):
            size = await volume.size(path)
            for offset in range(0, size, fat_image.PIECE):
                sys.stdout.buffer.write(await volume.read(path, offset, fat_image.PIECE))

    with_image(place, work)


@command.command()
@on_image
@click.argument("paths", nargs=-1)
@click.option("--to", default=".", type=click.Path(path_type=Path), help="Folder to copy into.", show_default=True)
@json_option
def extract(place: Place, paths: tuple[str, ...], to: Path, as_json: bool) -> None:
    """Copy files and directories of an image, or all of it, to a folder."""

    async def work(volume: FileSystem, _: FileTime) -> list[Path]:
        names = [cleaned(path) for path in paths] or [""]
        total = sum([stat.size for name in names async for _, stat in fat_image.walk(volume, name)])
        with bar("copying", total, quiet=as_json) as advance:
            return [target for name in names for target in await fat_image.extract(volume, name, to, advance)]

    written = with_image(place, work)
    _tell(as_json, {"written": [str(target) for target in written]}, f"extracted {len(written)} files to {to}")


@command.command()
@on_image
@click.argument("paths", nargs=-1, required=True)
@click.option("--recursive", "-r", is_flag=True, help="Also directories with all that is in them.")
@json_option
def rm(place: Place, paths: tuple[str, ...], recursive: bool, as_json: bool) -> None:
    """Remove files, and empty directories, from an image."""

    async def work(volume: FileSystem, _: FileTime) -> None:
        for path in map(cleaned, paths):
            if not path:
                raise ConfigError("the root cannot be removed", remedy="Name what is in it, or make a new image.")
            if recursive:
                await volume.remove_tree(path)
            elif (await volume.stat(path)).kind is Kind.DICTIONARY:
                await volume.rmdir(path)
            else:
                await volume.remove(path)

    with_image(place, work, writing=True)
    _tell(as_json, {"removed": list(paths)}, f"removed {', '.join(paths)}")


@command.command()
@on_image
@click.argument("paths", nargs=-1, required=True)
@click.option("--parents", "-p", is_flag=True, help="Also those on the way; one that is there is fine.")
@json_option
def mkdir(place: Place, paths: tuple[str, ...], parents: bool, as_json: bool) -> None:
    """Make directories in an image."""

    async def work(volume: FileSystem, _: FileTime) -> None:
        for path in paths:
            await volume.mkdir(cleaned(path), parents=parents)

    with_image(place, work, writing=True)
    _tell(as_json, {"made": list(paths)}, f"made {', '.join(paths)}")


@command.command()
@on_image
@click.argument("source")
@click.argument("destination")
@json_option
def mv(place: Place, source: str, destination: str, as_json: bool) -> None:
    """Rename or move within an image; DESTINATION may be a directory to move into. A file that is there is replaced."""

    async def work(volume: FileSystem, _: FileTime) -> str:
        old, new = cleaned(source), cleaned(destination)
        if await volume.exists(new) is Kind.DICTIONARY and new.casefold() != old.casefold():
            new = "/".join(part for part in (new, old.rpartition("/")[2]) if part)
        await volume.rename(old, new)
        return new

    new = with_image(place, work, writing=True)
    _tell(as_json, {"source": cleaned(source), "destination": new}, f"moved {source} to {new}")


@command.command()
@on_image
@json_option
def check(place: Place, as_json: bool) -> None:
    """Look for faults; the exit status is 1 if there are any. Nothing is written."""
    from fata.store.fat.check import check as check_volume

    async def look() -> list[Finding]:
        async with opened(place, writing=False) as disk:
            return await check_volume(disk)

    found = drive(look())
    _report(place.image, found, as_json, "faults")
    sys.exit(1 if found else 0)


@command.command()
@on_image
@json_option
def repair(place: Place, as_json: bool) -> None:
    """Mend what `check` finds, by the least loss, and tell what it was."""
    from fata.store.fat.repair import repair as repair_volume

    async def mend() -> list[Finding]:
        async with opened(place, writing=True) as disk:
            return await repair_volume(disk)

    _report(place.image, drive(mend()), as_json, "faults mended")


@command.command()
@on_image
@json_option
def info(place: Place, as_json: bool) -> None:
    """Show what an image is: type, sizes, label, room."""

    async def work(volume: FileSystem, _: FileTime) -> dict[str, Any]:
        return volume.info()._asdict()

    data = with_image(place, work)
    if as_json:
        show_json(data)
    else:
        rows = [{"what": name.replace("_", " "), "value": _shown(value)} for name, value in data.items()]
        click.echo(table(rows).partition("\n")[2])


def _tell(as_json: bool, data: dict[str, Any], text: str) -> None:
    if as_json:
        show_json(data)
    else:
        say(text)


def _count(sources: list[fat_image.Source]) -> int:
    return sum(source.size >= 0 for source in sources)


def _when(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _as_data(name: str, stat: Stat) -> dict[str, Any]:
    kind = "directory" if stat.kind is Kind.DICTIONARY else "file"
    return {"path": name, "kind": kind, "size": stat.size, "modified": _when(stat.modified)}


def _report(image: Path, found: list[Finding], as_json: bool, what: str) -> None:
    if as_json:
        faults = [{"fault": each.fault.value, "path": each.path, "detail": each.detail} for each in found]
        show_json({"image": str(image), "faults": faults})
        return
    for each in found:
        click.echo(printable(str(each)))
    say(f"{image}: {len(found) or 'no'} {what}")


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else printable(str(value))
