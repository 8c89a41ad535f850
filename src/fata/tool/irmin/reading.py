"""fata irmin get, list and tree."""

from __future__ import annotations

import sys
from typing import Any

import click

from fata.errors import ConfigError
from fata.irmin.errors import NotFound
from fata.irmin.tree import Tree
from fata.irmin.walk import ANY, Depth
from fata.tool.irmin.opening import Opened, encoded, plain, run
from fata.tool.irmin.place import Wanted
from fata.tool.screen import printable, show_json

at_option = click.option("--commit", "-r", "at", help="Read there: a branch, tag, (short) id, HEAD or main~2.")


async def tree_at(opened: Opened, at: str | None) -> Tree[Any]:
    """Return the tree that is to be read."""
    commit = await opened.revision(at)
    return opened.repo.tree() if commit is None else commit.tree


@click.command("get")
@click.argument("path")
@at_option
@click.pass_obj
def get_command(wanted: Wanted, path: str, at: str | None) -> None:
    """Write the value at PATH on standard output, as it is stored."""

    async def work(opened: Opened) -> tuple[Any, bytes]:
        tree = await tree_at(opened, at)
        if await tree.kind(path) == "node":
            raise ConfigError(f"{path!r} is a directory", remedy=f"`fata irmin list {path}` shows what is in it.")
        value = await tree.get(path)
        return value, encoded(opened, value)

    value, octets = run(wanted, work)
    if wanted.as_json:
        show_json({"path": path, "value": plain(value)})
        return
    sys.stdout.buffer.write(octets)
    if sys.stdout.isatty() and not octets.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")


@click.command("list")
@click.argument("path", default="")
@at_option
@click.pass_obj
def list_command(wanted: Wanted, path: str, at: str | None) -> None:
    """List the directory at PATH; directories end with "/"."""

    async def work(opened: Opened) -> list[tuple[str, str]]:
        tree = await tree_at(opened, at)
        kind = await tree.kind(path)
        if kind != "node":
            if kind is None and not path:
                return []
            raise NotFound(f"directory {path!r}") if kind is None else ConfigError(f"{path!r} is a value, no directory")
        return [(name, await found.kind("") or "") for name, found in await tree.list(path)]

    found = run(wanted, work)
    if wanted.as_json:
        show_json([{"name": name, "kind": kind} for name, kind in found])
        return
    for name, kind in found:
        click.echo(f"{printable(name)}{'/' if kind == 'node' else ''}")


@click.command("tree")
@click.argument("path", default="")
@at_option
@click.option("--depth", "-d", type=click.IntRange(1), help="How many steps deep.")
@click.pass_obj
def tree_command(wanted: Wanted, path: str, at: str | None, depth: int | None) -> None:
    """Show everything beneath PATH."""

    async def work(opened: Opened) -> list[tuple[tuple[str, ...], bool]]:
        tree = await tree_at(opened, at)
        if path and await tree.kind(path) != "node":
            raise NotFound(f"directory {path!r}")
        found = []
        async for steps, below in tree.walk(path, depth=Depth("le", depth) if depth else ANY):
            if steps:
                found.append((steps, await below.kind("") == "node"))
        return found

    found = run(wanted, work)
    if wanted.as_json:
        show_json(["/".join(steps) + ("/" if node else "") for steps, node in found])
        return
    for line in drawn(found):
        click.echo(line)


def drawn(found: list[tuple[tuple[str, ...], bool]]) -> list[str]:
    """Draw paths, each directory before what is in it, as a tree."""
    last: dict[tuple[str, ...], tuple[str, ...]] = {steps[:-1]: steps for steps, _ in found}
    lines = []
    for steps, node in found:
        ends = [last[steps[:depth]] == steps[: depth + 1] for depth in range(len(steps))]
        stems = "".join("   " if end else "│  " for end in ends[:-1])
        lines.append(f"{stems}{'└─ ' if ends[-1] else '├─ '}{printable(steps[-1])}{'/' if node else ''}")
    return lines
