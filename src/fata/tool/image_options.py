"""What the commands on disk images share: the argument IMAGE, and the size of its sectors."""

from __future__ import annotations

from pathlib import Path

import click

from fata.driver.block.geometry import SECTOR_SIZES

image_argument = click.argument("image", type=click.Path(path_type=Path))
sector_option = click.option(
    "--sector-size",
    default=str(SECTOR_SIZES[0]),
    type=click.Choice([str(size) for size in SECTOR_SIZES]),
    show_default=True,
    help="Octets in a sector of the image.",
)
