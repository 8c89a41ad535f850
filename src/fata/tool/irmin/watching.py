"""fata irmin watch."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import Any

import click

from fata.errors import ConfigError
from fata.irmin.errors import IrminError
from fata.irmin.store.watch import Change
from fata.tool.irmin.opening import open_place
from fata.tool.irmin.place import Wanted, find
from fata.tool.screen import show_json


@click.command("watch", context_settings={"ignore_unknown_options": True})
@click.argument("path", default="")
@click.argument("program", nargs=-1)
@click.option("--count", "-n", type=click.IntRange(1), help="End after so many changes.")
@click.pass_obj
def watch_command(wanted: Wanted, path: str, program: tuple[str, ...], count: int | None) -> None:
    """Tell of changes of what is at PATH, or run PROGRAM for each, with FATA_BRANCH, FATA_OLD and FATA_NEW set."""

    async def work() -> None:
        opened = await open_place(find(wanted))
        left = count
        try:
            async with opened.store.watch(path) as changes:
                click.echo("watching", err=True)
                while left != 0:
                    _tell(await anext(changes), program, as_json=wanted.as_json)
                    left = None if left is None else left - 1
        finally:
            await opened.repo.close()

    try:
        asyncio.run(work())
    except IrminError as error:
        raise ConfigError(str(error)) from None


def _tell(change: Change[Any], program: tuple[str, ...], *, as_json: bool) -> None:
    old, new = ("" if commit is None else commit.hex for commit in (change.old, change.new))
    if program:
        environment = {**os.environ, "FATA_BRANCH": change.branch, "FATA_OLD": old, "FATA_NEW": new}
        try:
            subprocess.run(program, env=environment, check=False)
        except OSError as error:
            raise ConfigError(f"{program[0]}: {error.strerror}") from None
    elif as_json:
        show_json({"branch": change.branch, "old": old or None, "new": new or None})
    else:
        click.echo(f"{change.branch}: {old[:10] or 'nothing'} -> {new[:10] or 'nothing'}")
