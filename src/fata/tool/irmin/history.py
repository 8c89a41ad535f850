"""fata irmin log, branches, snapshot and dot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fata.errors import ConfigError
from fata.irmin.backend.contract import Shallow
from fata.irmin.commit import Commit
from fata.irmin.errors import MissingObject
from fata.tool.irmin.opening import Opened, run
from fata.tool.irmin.place import Wanted
from fata.tool.screen import say, show_json


@click.command("log")
@click.argument("path", default="")
@click.option("--commit", "-r", "at", help="Begin there: a branch, tag or commit, HEAD, or main~2.")
@click.option("--number", "-n", type=click.IntRange(1), help="At most so many commits.")
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out the first so many.")
@click.option("--reverse", is_flag=True, help="Oldest first.")
@click.option("--oneline", is_flag=True, help="One line each.")
@click.pass_obj
def log_command(
    wanted: Wanted, path: str, at: str | None, number: int | None, skip: int, reverse: bool, oneline: bool
) -> None:
    """Show commits, newest first; with PATH, those that changed what is there."""

    async def work(opened: Opened) -> list[Commit[Any]]:
        head = await opened.revision(at)
        if head is None:
            return []
        enough = None if number is None else number + skip
        if path:
            store = opened.repo.of_commit(head)
            return (await store.last_modified(path, enough or len(await ancestors(opened, head, None))))[skip:]
        return (await ancestors(opened, head, enough))[skip:]

    found = run(wanted, work)
    if reverse:
        found.reverse()
    if wanted.as_json:
        show_json([as_data(commit) for commit in found])
        return
    if found:
        lines = "".join(one_line(commit) if oneline else paragraph(commit) for commit in found)
        click.echo_via_pager(lines.removesuffix("\n"))  # which adds one


async def ancestors(opened: Opened, head: Commit[Any], enough: int | None) -> list[Commit[Any]]:
    """Return a commit and what is behind it, newest first by date, parents never before children."""
    found: list[Commit[Any]] = []
    backend = opened.repo.backend
    cut = await backend.shallow() if isinstance(backend, Shallow) else set()
    seen, ready = {head.oid}, [head]
    while ready and (enough is None or len(found) < enough):
        newest = max(range(len(ready)), key=lambda at: ready[at].fields.committer.seconds)
        commit = ready.pop(newest)
        found.append(commit)
        for parent in commit.parents if commit.oid not in cut else ():
            if parent not in seen:
                seen.add(parent)
                try:
                    ready.append(await opened.repo.commit(parent))
                except MissingObject:
                    pass  # a shallow history ends here
    return found


def as_data(commit: Commit[Any]) -> dict[str, object]:
    """Return a commit as JSON shows it."""
    info = commit.info
    return {
        "commit": commit.hex,
        "parents": [parent.hex() for parent in commit.parents],
        "author": info.author,
        "date": info.date,
        "message": info.message,
    }


def one_line(commit: Commit[Any]) -> str:
    """Return a commit as one line."""
    return f"{commit.hex[:10]} {commit.info.message.partition(chr(10))[0]}\n"


def paragraph(commit: Commit[Any]) -> str:
    """Return a commit as git's log shows it."""
    info = commit.info
    date = datetime.fromtimestamp(info.date, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    merge = f"Merge:  {' '.join(parent.hex()[:10] for parent in commit.parents)}\n" if len(commit.parents) > 1 else ""
    message = "".join(f"    {line}\n" for line in info.message.splitlines())
    return f"commit {commit.hex}\n{merge}Author: {info.author}\nDate:   {date}\n\n{message}\n"


@click.command("branches")
@click.pass_obj
def branches_command(wanted: Wanted) -> None:
    """List the branches and their heads; the one in use is marked."""

    async def work(opened: Opened) -> list[tuple[str, Commit[Any]]]:
        return [(name, await opened.repo.branches.get(name)) for name in await opened.repo.branches.list()]

    async def current(opened: Opened) -> str | None:
        return opened.store.branch

    found, mine = run(wanted, work), run(wanted, current)
    if wanted.as_json:
        show_json([{"branch": name, "commit": commit.hex, "current": name == mine} for name, commit in found])
        return
    for name, commit in found:
        click.echo(f"{'*' if name == mine else ' '} {name}  {one_line(commit)}", nl=False)


@click.command("snapshot")
@click.pass_obj
def snapshot_command(wanted: Wanted) -> None:
    """Print the id of the present state: what `revert` and `get --commit` take."""

    async def work(opened: Opened) -> str:
        commit = await opened.store.commit()
        if commit is None:
            raise ConfigError(f"branch {opened.store.branch} has no commit yet")
        return commit.hex

    found = run(wanted, work)
    if wanted.as_json:
        show_json({"commit": found})
    else:
        click.echo(found)


@click.command("dot")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Write there; a name that ends with .svg is drawn."
)
@click.option("--depth", "-d", type=click.IntRange(1), help="At most so many generations.")
@click.pass_obj
def dot_command(wanted: Wanted, output: Path | None, depth: int | None) -> None:
    """Draw the history of all branches, as DOT (for Graphviz) or SVG."""
    from fata.irmin.history.dot import to_dot, to_svg

    async def work(opened: Opened) -> str:
        names: dict[Commit[Any], list[str]] = {}
        for name in await opened.repo.branches.list():
            names.setdefault(await opened.repo.branches.get(name), []).append(name)
        found = await opened.store.history(newest=names, depth=depth)
        return (to_svg if output is not None and output.suffix == ".svg" else to_dot)(found, names)

    drawn = run(wanted, work)
    if output is None:
        click.echo(drawn, nl=False)
        return
    output.write_text(drawn, encoding="utf-8")
    say(f"wrote {output}")
