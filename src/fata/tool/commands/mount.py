"""fata mount."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fata.blocking import drive
from fata.driver.block.file import open_file_block
from fata.errors import ConfigError, Unavailable
from fata.tool.disk_image import Place, part_of
from fata.tool.image_options import sector_option
from fata.tool.screen import say

if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.tool.mounted import Tree


class _HostClock:
    def wall(self) -> float | None:
        return time.time()


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--partition", type=int, help="Mount this partition of the image.")
@click.option("--branch", "-b", help="Mount this branch of a git repository; else the one that HEAD names.")
@click.option("--read-only", is_flag=True, help="Refuse every change.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the disk's key, in hexadecimal digits.")
@sector_option
def command(
    image: Path,
    folder: Path,
    partition: int | None,
    branch: str | None,
    read_only: bool,
    key_file: Path | None,
    sector_size: str,
) -> None:
    """Show what is in IMAGE at FOLDER, until `fusermount3 -u FOLDER` or Ctrl-C: a FAT volume, a tar or a zip.

    IMAGE may also be a git repository, of which a branch is shown: closing a file that was written to is a commit.
    A FAT volume and a branch can be changed, the archives cannot. Needs FUSE (the package fuse3) and
    `pip install fata[mount]`.
    """
    if find_spec("mfusepy") is None:
        raise ConfigError("mfusepy is not installed", remedy="pip install fata[mount]")
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", remedy="Make it: what is mounted appears there.")
    if image.is_dir():
        _serve_branch(image, branch, folder, read_only=read_only)
        return
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


def _serve_branch(repository: Path, branch: str | None, folder: Path, *, read_only: bool) -> None:
    from fata.irmin.errors import IrminError
    from fata.tool.mounted_branch import open_branch

    try:
        tree = drive(open_branch(repository, branch, read_only=read_only))
    except (IrminError, Unavailable) as error:
        raise ConfigError(str(error)) from None
    _serve_tree(tree, repository, folder)


def _serve(place: Place, disk: Block, folder: Path) -> None:
    from fata.tool.mounted import open_tree

    _serve_tree(drive(open_tree(disk, _HostClock())), place.image, folder)


def _serve_tree(tree: Tree, image: Path, folder: Path) -> None:
    try:
        from fata.tool.fuse import serve
    except OSError as error:  # libfuse itself is missing
        raise ConfigError(f"FUSE is not there: {error}", remedy="Install it: apt-get install fuse3.") from None
    say(f"{image} is at {folder}{', read-only' if tree.read_only else ''}")
    try:
        serve(tree, image, folder)
    except RuntimeError as error:
        raise ConfigError(
            f"{folder}: cannot be mounted on (FUSE says {error})", remedy="Look whether it is mounted already."
        ) from None
    finally:
        drive(tree.close())
