"""fata disk: images of disks and their partition tables."""

from __future__ import annotations

from pathlib import Path

import click

from fata.blocking import drive
from fata.disk.partition import kind_name
from fata.driver.block.partition_table import GPT, MBR, Table
from fata.errors import ConfigError
from fata.tool import disk_image
from fata.tool.image_options import image_argument, sector_option
from fata.tool.quantity import octets as octets_of
from fata.tool.screen import json_option, say, show_json, table


@click.group()
def command() -> None:
    """Partition images of disks, and look into them."""


@command.command()
@image_argument
@click.argument("parts", nargs=-1, required=True, metavar="PART…")
@click.option("--table", "scheme", default=GPT, type=click.Choice([GPT, MBR]), show_default=True, help="The table.")
@click.option("--size", help="Make the image first, this large: 64M, 2G.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@sector_option
@json_option
def partition(
    image: Path, parts: tuple[str, ...], scheme: str, size: str | None, force: bool, sector_size: str, as_json: bool
) -> None:
    """Divide IMAGE into partitions, each SIZE[:KIND[:NAME]], such as 64M:efi:boot rest:linux.

    Kinds are data (FAT), linux, swap and efi, or a GUID (two hexadecimal digits in an MBR); linux if there is none.
    The last size may be `rest`. Of more than four partitions in an MBR the fourth and later ones are logical.
    """
    octets = None if size is None else octets_of(size)
    if octets is not None and image.exists() and image.stat().st_size:
        raise ConfigError(f"{image}: is there already", remedy="Leave --size out to divide it as it is.")
    if octets is None and not force and (there := drive(disk_image.holds(image, int(sector_size)))):
        raise ConfigError(f"{image}: {there} already", remedy="Add --force to replace what is there.")
    made = drive(disk_image.divide(image, scheme, parts, int(sector_size), octets))
    if as_json:
        show_json(_data(made))
    else:
        say(f"{image}: {len(made.partitions)} partitions")
        click.echo(_rows(made, int(sector_size), None))


@command.command()
@image_argument
@sector_option
@json_option
def info(image: Path, sector_size: str, as_json: bool) -> None:
    """Show the partitions of IMAGE and what is in them."""
    found = drive(disk_image.describe(image, int(sector_size)))
    octets = found.sectors * found.sector_size
    if as_json:
        shape = {"octets": octets, "sectors": found.sectors, "sector_size": found.sector_size}
        rows = [row.data() for row in found.rows]
        described = {"table": None, "contents": found.contents} if found.table is None else _data(found.table)
        show_json(shape | described | ({"partitions": rows} if rows else {}))
        return
    click.echo(f"{image}: {octets:,} octets, {found.sectors:,} sectors of {found.sector_size}")
    if found.table is None:
        click.echo(f"no partition table; contents: {found.contents or 'unknown'}")
        return
    click.echo(f"{found.table.scheme} {found.table.identity}")
    for complaint in found.table.complaints:
        say(f"{complaint}; `fata disk repair` mends it")
    click.echo(_rows(found.table, found.sector_size, [row.contents for row in found.rows]))


@command.command()
@image_argument
@sector_option
@json_option
def repair(image: Path, sector_size: str, as_json: bool) -> None:
    """Make a damaged copy of a GPT anew from the other one."""
    mended = drive(disk_image.mend(image, int(sector_size)))
    if as_json:
        show_json({"repaired": mended})
    else:
        say("\n".join(f"repaired: {complaint}" for complaint in mended) or "nothing to repair")


def _data(made: Table) -> dict[str, object]:
    rows = [partition._asdict() | {"kind_name": kind_name(partition.kind)} for partition in made.partitions]
    return {"table": made.scheme, "id": made.identity, "complaints": list(made.complaints), "partitions": rows}


def _rows(made: Table, sector_size: int, contents: list[str] | None) -> str:
    rows = []
    for index, each in enumerate(made.partitions):
        row = {
            "no": str(each.number),
            "first": f"{each.first:,}",
            "sectors": f"{each.sectors:,}",
            "octets": f"{each.sectors * sector_size:,}",
            "kind": kind_name(each.kind) or each.kind,
            "name": each.name,
        }
        rows.append(row | ({} if contents is None else {"contents": contents[index] or "unknown"}))
    return table(rows)
