"""What a person or a machine sees: messages, progress and JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import click

from fata.errors import ConfigError

if TYPE_CHECKING:
    from fata.target.output import Report


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def coloured(stream: IO[str]) -> bool:
    """Say whether escape sequences are welcome on a stream (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Tell a person something, on standard error: standard output is the program's."""
    click.echo(text, err=True)


def show_json(data: object) -> None:
    """Write one JSON document on standard output."""
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def show_error(error: ConfigError, *, as_json: bool) -> None:
    """Tell a mistake: where, what, and what to do."""
    if as_json:
        show_json({"error": {"file": error.file, "line": error.line, "reason": error.reason, "remedy": error.remedy}})
        return
    mark = click.style("error:", fg="red", bold=True) if coloured(sys.stderr) else "error:"
    say(f"{mark} {error}")


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Report]:
    """Show what is being done: a spinner on a terminal, nothing elsewhere or when quiet."""
    if quiet or not coloured(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the configuration")
        yield lambda text: bar.update(task, description=text)


@contextmanager
def bar(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` octets are done, on a terminal; yields what is told of more."""
    if quiet or not coloured(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda octets: shown.advance(task, octets)


def printable(text: str) -> str:
    """Return a text that others chose without what a terminal might obey, or cannot show."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Lay rows out in columns under their headings; "" for none."""
    if not rows:
        return ""
    names = list(rows[0])
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    lines = ["  ".join(name.ljust(widths[name]) for name in names)]
    lines += ["  ".join(row[name].ljust(widths[name]) for name in names) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
