"""fata mount."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path

import click

from fata.blocking import drive
from fata.driver.block.file import open_file_block
from fata.errors import ConfigError
from fata.tool.disk_image import Place, part_of
from fata.tool.screen import say


class _HostClock:
    def wall(self) -> float | None:
        return time.time()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--partition", type=int, help="Mount this partition of the image.")
@click.option("--read-only", is_flag=True, help="Refuse every change.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the disk's key, in hexadecimal digits.")
@click.option("--sector-size", default="512", type=click.Choice(["512", "1024", "2048", "4096"]), show_default=True)
def command(
    image: Path, folder: Path, partition: int | None, read_only: bool, key_file: Path | None, sector_size: str
) -> None:
    """Show what is in IMAGE at FOLDER, until `fusermount3 -u FOLDER` or Ctrl-C: a FAT volume, a tar or a zip.

    A FAT volume can be changed, the archives cannot. Needs FUSE (the package fuse3) and `pip install fata[mount]`.
    """
    if find_spec("mfusepy") is None:
        raise ConfigError("mfusepy is not installed", remedy="pip install fata[mount]")
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", remedy="Make it: what is mounted appears there.")
    try:
        key = None if key_file is None else key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{key_file}: cannot be read: {error}", remedy="Name a file with hexadecimal digits."
        ) from None
    place = Place(image, int(sector_size), partition, key)
    writable = os.access(image, os.W_OK) and not read_only
    file = drive(open_file_block(str(image), place.sector_size, read_only=not writable))
    try:
        _serve(place, drive(part_of(file, place)), folder)
    finally:
        drive(file.close())


def _serve(place: Place, disk: object, folder: Path) -> None:
    try:
        from fata.tool.fuse import serve
    except OSError as error:  # libfuse itself is missing
        raise ConfigError(f"FUSE is not there: {error}", remedy="Install it: apt-get install fuse3.") from None
    from fata.device.block import Block
    from fata.tool.mounted import open_tree

    block: Block = disk  # type: ignore[assignment]  # one of the drivers of part_of
    tree = drive(open_tree(block, _HostClock()))
    say(f"{place.image} is at {folder}{', read-only' if tree.read_only else ''}")
    try:
        serve(tree, place.image, folder)
    except RuntimeError as error:
        raise ConfigError(
            f"{folder}: cannot be mounted on (FUSE says {error})", remedy="Look whether it is mounted already."
        ) from None
    finally:
        drive(tree.close())
