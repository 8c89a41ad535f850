"""fata clean."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from fata.config.lock import LOCK
from fata.errors import ConfigError
from fata.target.output import BUILD, MAIN
from fata.tool.screen import json_option, say, show_json


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--lock", is_flag=True, help="Remove fata.lock too.")
@json_option
def command(folder: Path, lock: bool, as_json: bool) -> None:
    """Remove what build and configure made in FOLDER: build/TARGET, and with --lock the lock."""
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", remedy="Name the folder of an application.")
    removed = []
    for output in sorted((folder / BUILD).glob("*/")):
        # Only what fata made: somebody's own build/ folder stays.
        if (output / MAIN).is_file():
            shutil.rmtree(output)
            removed.append(str(output))
    if (folder / BUILD).is_dir() and not any((folder / BUILD).iterdir()):
        (folder / BUILD).rmdir()
    if lock and (folder / LOCK).is_file():
        (folder / LOCK).unlink()
        removed.append(str(folder / LOCK))
    if as_json:
        show_json({"removed": removed})
    else:
        say("\n".join(f"removed {name}" for name in removed) or "nothing to remove")
