"""fata irmin set, remove, merge and revert."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fata.errors import ConfigError
from fata.irmin.commit import Commit
from fata.irmin.errors import NotFound
from fata.irmin.store.options import Options
from fata.tool.irmin.opening import Opened, decoded, run
from fata.tool.irmin.place import Wanted
from fata.tool.screen import say, show_json

F = TypeVar("F", bound=Callable[..., Any])


def commits(function: F) -> F:
    """Give a command the options of whatever makes a commit."""
    message = click.option("--message", "-m", help="Why; else what was done.")
    author = click.option("--author", help='Who: "Name <address>".')
    return message(author(function))


def options(message: str | None, author: str | None, done: str) -> Options:
    """Return what a write is told."""
    chosen = Options(message=done if message is None else message)
    if author:
        chosen["author"] = author
    return chosen


def tell(wanted: Wanted, commit: Commit[Any] | None) -> None:
    """Tell which commit was made."""
    if wanted.as_json:
        show_json({"commit": None if commit is None else commit.hex})
    elif commit is None:
        say("nothing has changed")
    else:
        click.echo(commit.hex)


@click.command("set")
@click.argument("path")
@click.argument("value", required=False)
@click.option(
    "--file",
    "-f",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Take the value from a file; - is standard input.",
)
@commits
@click.pass_obj
def set_command(
    wanted: Wanted, path: str, value: str | None, file: Path | None, message: str | None, author: str | None
) -> None:
    """Put VALUE, or what is in a file, at PATH; print the commit."""
    if (value is None) == (file is None):
        raise ConfigError("say VALUE or --file", remedy="`fata irmin set PATH VALUE`, or `… set PATH --file FILE`.")
    octets = _octets(file) if value is None else value.encode("utf-8", "surrogateescape")

    async def work(opened: Opened) -> Commit[Any] | None:
        return await opened.store.set(path, decoded(opened, octets), **options(message, author, f"set {path}"))

    tell(wanted, run(wanted, work))


def _octets(file: Path | None) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else Path(str(file)).read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None


@click.command("remove")
@click.argument("path")
@commits
@click.pass_obj
def remove_command(wanted: Wanted, path: str, message: str | None, author: str | None) -> None:
    """Remove what is at PATH, a value or a directory; print the commit."""

    if not path:
        raise ConfigError("the root cannot be removed", remedy="Name what is in it.")

    async def work(opened: Opened) -> Commit[Any] | None:
        if not await (await opened.store.tree()).mem_tree(path):
            raise NotFound(repr(path))
        return await opened.store.remove(path, **options(message, author, f"remove {path}"))

    tell(wanted, run(wanted, work))


@click.command("merge")
@click.argument("source")
@commits
@click.pass_obj
def merge_command(wanted: Wanted, source: str, message: str | None, author: str | None) -> None:
    """Merge the branch or commit SOURCE into this branch; print its head.

    A conflict changes nothing; it names the path and both sides.
    """

    async def work(opened: Opened) -> Commit[Any] | None:
        theirs = await opened.revision(source)
        assert theirs is not None
        return await opened.store.merge_with(theirs, **options(message, author, f"merge {source}"))

    tell(wanted, run(wanted, work))


@click.command("revert")
@click.argument("revision")
@click.option(
    "--hard", is_flag=True, help="Move the branch there: what came later is lost, unless another branch has it."
)
@commits
@click.pass_obj
def revert_command(wanted: Wanted, revision: str, hard: bool, message: str | None, author: str | None) -> None:
    """Make everything as it was at REVISION, by a commit on top; print the head."""

    async def work(opened: Opened) -> Commit[Any] | None:
        target = await opened.revision(revision)
        assert target is not None
        if hard:
            await opened.store.head.set(target)
            return target
        return await opened.store.set_tree("", target.tree, **options(message, author, f"revert to {target.hex[:10]}"))

    tell(wanted, run(wanted, work))
