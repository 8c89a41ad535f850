"""fata irmin init."""

from __future__ import annotations

from pathlib import Path

import click

from fata.errors import ConfigError, Unavailable
from fata.irmin.backend.git import init
from fata.irmin.errors import InvalidName
from fata.tool.irmin.place import Wanted
from fata.tool.screen import say, show_json


def make(folder: Path, branch: str | None, *, bare: bool) -> str:
    """Make a repository; return its git directory. Raises `ConfigError`."""
    try:
        return init(str(folder), bare=bare, branch=branch or "main")
    except (Unavailable, InvalidName) as error:
        raise ConfigError(str(error)) from None


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path), default=".")
@click.option("--bare/--no-bare", default=True, show_default=True, help="Without or with a place for a working tree.")
@click.pass_obj
def init_command(wanted: Wanted, directory: Path, bare: bool) -> None:
    """Make a repository in DIRECTORY, unless there is one."""
    made = make(directory, wanted.branch, bare=bare)
    if wanted.as_json:
        show_json({"repository": str(Path(made).absolute())})
    else:
        say(f"made {made}")
