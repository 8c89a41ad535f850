"""fata btree: stores in disk images."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import click

from fata.blocking import drive
from fata.errors import ConfigError
from fata.tool import btree_image
from fata.tool.disk_image import Place
from fata.tool.image_options import image_argument
from fata.tool.quantity import octets as octets_of
from fata.tool.screen import json_option, say, show_json

PIECE = 1 << 20  # octets of a value that are read at once
SPOOLED = 16 << 20  # octets of a value up to which it waits in memory
partition_option = click.option("--partition", type=click.IntRange(min=1), help="The partition that holds the store.")
hex_option = click.option("--hex", "as_hex", is_flag=True, help="Keys and values are hexadecimal digits.")


@click.group()
def command() -> None:
    """Look into the B-tree in a disk image, and change it."""


@command.command("format")
@image_argument
@partition_option
@click.option("--size", help="Make the image first, this large: 64M, 2G.")
@click.option("--node-size", default="4096", type=click.Choice(["4096", "8192", "16384", "32768", "65536"]))
@click.option(
    "--log",
    help="Size of the log: 256K, 4M. A sixteenth of the disk, up to 1G, unless given.",
)
@click.option("--force", is_flag=True, help="Replace a store that is there.")
def make(image: Path, partition: int | None, size: str | None, node_size: str, log: str | None, force: bool) -> None:
    """Make an empty store in IMAGE."""
    if size is not None and image.exists() and image.stat().st_size:
        raise ConfigError(f"{image}: is there already", remedy="Leave --size out to format it as it is.")
    if size is not None and partition is not None:
        raise ConfigError("an image that is new has no partitions", remedy="Make them with `fata disk partition`.")
    octets = 0 if size is None else octets_of(size)
    log_octets = None if log is None else octets_of(log)
    drive(btree_image.make(Place(image, partition=partition), int(node_size), log_octets, force, octets))


@command.command()
@image_argument
@partition_option
@json_option
def info(image: Path, partition: int | None, as_json: bool) -> None:
    """Show what IMAGE's store is made of."""

    async def look() -> dict[str, object]:
        async with btree_image.store(Place(image, partition=partition), writing=False) as store:
            shown: dict[str, object] = {"uuid": store.uuid.hex(), **store.stats()._asdict()}
            return shown | {"keys": await store.count(), "snapshot_names": store.snapshots()}

    found = drive(look())
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(f"{name:<14} {value}" for name, value in found.items()))


@command.command()
@image_argument
@click.argument("key")
@partition_option
@hex_option
def get(image: Path, key: str, partition: int | None, as_hex: bool) -> None:
    """Print the value of KEY, as it is."""

    async def show() -> None:
        async with btree_image.store(Place(image, partition=partition), writing=False) as store:
            if await store.size(octets(key, as_hex)) is None:
                raise ConfigError(f"{image}: there is no key {key!r}", remedy="`fata btree list` shows the keys.")
            async for piece in store.stream(octets(key, as_hex)):
                click.echo(piece.hex() if as_hex else piece, nl=False)

    drive(show())
    if as_hex or sys.stdout.isatty():
        click.echo()


@command.command()
@image_argument
@click.argument("key")
@click.argument("value")
@partition_option
@hex_option
def put(image: Path, key: str, value: str, partition: int | None, as_hex: bool) -> None:
    """Store VALUE under KEY; an image of zeros is formatted first. `-` reads the value from the standard input."""

    async def store_it(source: IO[bytes]) -> None:
        length = source.seek(0, os.SEEK_END)
        source.seek(0)
        async with (
            btree_image.store(Place(image, partition=partition), writing=True) as store,
            store.transaction() as transaction,
        ):
            await transaction.put_stream(octets(key, as_hex), iter(lambda: source.read(PIECE), b""), length)

    with SpooledTemporaryFile(SPOOLED) as spool:  # its length has to be known before
        if value == "-":
            shutil.copyfileobj(sys.stdin.buffer, spool, PIECE)
        else:
            spool.write(octets(value, as_hex))
        drive(store_it(spool))


@command.command()
@image_argument
@click.argument("keys", nargs=-1, required=True, metavar="KEY…")
@partition_option
@hex_option
def delete(image: Path, keys: tuple[str, ...], partition: int | None, as_hex: bool) -> None:
    """Remove KEYs; all of them or, if one is not there, none."""

    async def remove() -> None:
        async with (
            btree_image.store(Place(image, partition=partition), writing=True) as store,
            store.transaction() as transaction,
        ):
            for key in keys:
                if not await transaction.delete(octets(key, as_hex)):
                    raise ConfigError(f"{image}: there is no key {key!r}", remedy="`fata btree list` shows the keys.")

    drive(remove())


@command.command("list")
@image_argument
@click.option("--prefix", default="", help="Only keys that begin with this.")
@partition_option
@hex_option
@json_option
def list_keys(image: Path, prefix: str, partition: int | None, as_hex: bool, as_json: bool) -> None:
    """Print the keys and the lengths of their values, in order."""

    async def walk() -> list[tuple[str, int]]:
        async with btree_image.store(Place(image, partition=partition), writing=False) as store:
            keys = [key async for key in store.keys(prefix=octets(prefix, as_hex))]
            return [(text(key, as_hex), await store.size(key) or 0) for key in keys]

    found = drive(walk())
    if as_json:
        show_json([{"key": key, "octets": size} for key, size in found])
    else:
        click.echo("".join(f"{size:>10}  {key}\n" for key, size in found), nl=False)


@command.command()
@image_argument
@click.option("--prefix", default="", help="Only keys that begin with this.")
@partition_option
def dump(image: Path, prefix: str, partition: int | None) -> None:
    """Print everything as text, as db_dump and mdb_dump do."""
    drive(btree_image.dump(Place(image, partition=partition), prefix.encode(), sys.stdout.buffer))


@command.command()
@image_argument
@click.argument("source", default="-", type=click.File("rb"))
@partition_option
def load(image: Path, source: click.File, partition: int | None) -> None:
    """Store what `dump`, db_dump or mdb_dump has printed; an image of zeros is formatted first."""
    count = drive(btree_image.load(Place(image, partition=partition), source))  # type: ignore[arg-type]  # click's
    say(f"{image}: {count} keys loaded")


@command.command()
@image_argument
@partition_option
@click.option("--salvage", type=click.File("wb"), help="Dump what can be read of a broken store to this file.")
@json_option
def fsck(image: Path, partition: int | None, salvage: click.File | None, as_json: bool) -> None:
    """Check every node, value and record of IMAGE without changing it; exit with status 1 if something is wrong."""
    place = Place(image, partition=partition)
    if salvage is not None:
        say(f"{image}: {drive(btree_image.save(place, salvage))} keys saved")  # type: ignore[arg-type]  # click's
        return
    report = drive(btree_image.check(place))
    if as_json:
        show_json({**report._asdict(), "sound": report.sound})
    else:
        for line in [*report.problems, *report.notes]:
            click.echo(line)
        click.echo(
            f"{image}: {'sound' if report.sound else 'broken'}; {report.keys} keys, {report.log_records} log records; "
            f"{report.fixed} fixed + {report.used} used + {report.free} free = {report.pages} pages"
        )
    if not report.sound:
        raise SystemExit(1)


def octets(given: str, as_hex: bool) -> bytes:
    """Read a key or a value from the command line."""
    try:
        return bytes.fromhex(given) if as_hex else given.encode("utf-8", "surrogateescape")
    except ValueError:
        raise ConfigError(
            f"{given!r} is not hexadecimal", remedy="Write pairs of digits, or leave --hex out."
        ) from None


def text(key: bytes, as_hex: bool) -> str:
    """Write a key for people: what is not printable is escaped."""
    return key.hex() if as_hex else key.decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")
