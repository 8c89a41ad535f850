"""fata debug."""

from __future__ import annotations

from pathlib import Path

import click

from fata.errors import ConfigError
from fata.target.image.symbols import Symbols, symbols_of
from fata.tool.screen import json_option, show_json


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option(
    "--symbols", type=click.Path(path_type=Path), help="Debug file of the image's runtime, if it is not found."
)
@json_option
def command(image: Path, addresses: tuple[str, ...], symbols: Path | None, as_json: bool) -> None:
    """Say which function and line an ADDRESS in the kernel's message of a fault means; hexadecimal.

    IMAGE is what `fata build -t virtio` made.
    """
    known = Symbols(symbols or symbols_of(image))
    places = [known.place(_address(text)) for text in addresses]
    if as_json:
        show_json({"image": str(image), "places": [place._asdict() for place in places]})
        return
    for place in places:
        click.echo(str(place))


def _address(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise ConfigError(f"{text!r} is no address", remedy="Write it in hexadecimal, as the kernel does.") from None
