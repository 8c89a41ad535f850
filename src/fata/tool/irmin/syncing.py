"""fata irmin clone, fetch, pull and push."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from fata.errors import ConfigError
from fata.irmin.backend.git import repository
from fata.irmin.commit import Commit
from fata.irmin.errors import NotFound
from fata.irmin.store.store import Store
from fata.irmin.sync import Remote, clone, fetch, pull, push, remote
from fata.tool.irmin.opening import Opened, open_place, run, told
from fata.tool.irmin.place import Place, Wanted, find
from fata.tool.irmin.starting import make
from fata.tool.irmin.writing import commits, options, tell
from fata.tool.screen import progress, say, show_json

F = TypeVar("F", bound=Callable[..., Any])
URL = re.compile(r'^\s*\[remote "origin"\]\s*$.*?^\s*url\s*=\s*(\S+)\s*$', re.MULTILINE | re.DOTALL)


def remotes(function: F) -> F:
    """Give a command the options of whatever speaks to a remote."""
    header = click.option(
        "--header", "-H", "headers", multiple=True, help='Sent with every HTTP request: "Name: value".'
    )
    ca = click.option(
        "--ca", type=click.Path(exists=True), help="Certificates that HTTPS trusts, in place of the system's."
    )
    return header(ca(function))


depth_option = click.option("--depth", type=click.IntRange(1), help="How many commits deep; else all.")


def opened_remote(where: str, headers: tuple[str, ...], ca: str | None) -> Remote:
    """Open a remote. Raises `ConfigError`."""
    split = dict[str, str]()
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise ConfigError(f"--header {header!r} has no colon", remedy='Write "Name: value".')
        split[name.strip()] = value.strip()

    async def work() -> Remote:
        return remote(where, headers=split, ca_file=ca)

    return told(work)


def origin(place: Place) -> str:
    """Return the remote that is meant when none is named. Raises `ConfigError`."""
    config = Path(repository.find(str(place.root)).shared) / "config"
    match = URL.search(config.read_text(encoding="utf-8", errors="replace")) if config.is_file() else None
    found = place.remote or (match and match[1])
    if not found:
        raise ConfigError("there is no remote to speak to", remedy='Name one, or put remote = "URL" into irmin.toml.')
    return found


@click.command("clone")
@click.argument("url")
@click.argument("directory", type=click.Path(path_type=Path))
@depth_option
@remotes
@click.pass_obj
def clone_command(
    wanted: Wanted, url: str, directory: Path, depth: int | None, headers: tuple[str, ...], ca: str | None
) -> None:
    """Make a repository in DIRECTORY with what is at URL (a URL or a folder)."""
    existed = directory.exists()
    if existed and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigError(f"{directory} exists and is not empty", remedy="Name another folder.")
    source = opened_remote(url, headers, ca)

    async def work() -> Store[Any]:
        default = wanted.branch or await source.default_branch()
        git = Path(make(directory, default, bare=True))
        place = Place(git, None, wanted.contents or "bytes", "", None, wanted.as_json, wanted.durability or "batch")
        opened = await open_place(place)
        with progress(quiet=wanted.as_json) as report:
            store = await clone(opened.repo, source, wanted.branch, depth=depth, progress=report)
        address = url if "://" in url else str(Path(url).absolute())
        with (git / "config").open("a", encoding="utf-8") as config:
            config.write(f'[remote "origin"]\n\turl = {address}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')
        await opened.repo.backend.flush()
        return store

    try:
        store = told(work)
    except BaseException:  # also an interruption: nothing is left of it
        shutil.rmtree(directory, ignore_errors=True)
        if existed:
            directory.mkdir()
        raise
    if wanted.as_json:
        show_json({"repository": str(directory.absolute()), "branch": store.branch})
    else:
        say(f"cloned {url}, branch {store.branch}, into {directory}")


@click.command("fetch")
@click.argument("url", required=False)
@depth_option
@remotes
@click.pass_obj
def fetch_command(wanted: Wanted, url: str | None, depth: int | None, headers: tuple[str, ...], ca: str | None) -> None:
    """Bring the history of this branch from a remote; print its head there."""
    source = opened_remote(url or origin(find(wanted)), headers, ca)

    async def work(opened: Opened) -> Commit[Any]:
        with progress(quiet=wanted.as_json) as report:
            found = await fetch(opened.store, source, depth=depth, progress=report)
        if found is None:
            raise NotFound(f"{source.url}: branch {opened.store.branch}")
        return found

    tell(wanted, run(wanted, work))


@click.command("pull")
@click.argument("url", required=False)
@click.option("--set", "overwrite", is_flag=True, help="Take what is there, and forget what is here.")
@depth_option
@remotes
@commits
@click.pass_obj
def pull_command(
    wanted: Wanted,
    url: str | None,
    overwrite: bool,
    depth: int | None,
    headers: tuple[str, ...],
    ca: str | None,
    message: str | None,
    author: str | None,
) -> None:
    """Fetch this branch from a remote and merge it; print the head."""
    source = opened_remote(url or origin(find(wanted)), headers, ca)

    async def work(opened: Opened) -> Commit[Any] | None:
        chosen = options(message, author, f"pull {source.url}")
        strategy: Literal["merge", "set"] = "set" if overwrite else "merge"
        with progress(quiet=wanted.as_json) as report:
            return await pull(opened.store, source, strategy=strategy, depth=depth, progress=report, **chosen)

    tell(wanted, run(wanted, work))


@click.command("push")
@click.argument("url", required=False)
@click.option("--force", is_flag=True, help="Also if commits are lost there.")
@remotes
@click.pass_obj
def push_command(wanted: Wanted, url: str | None, force: bool, headers: tuple[str, ...], ca: str | None) -> None:
    """Send the history of this branch to a remote."""
    target = opened_remote(url or origin(find(wanted)), headers, ca)

    async def work(opened: Opened) -> bool:
        with progress(quiet=wanted.as_json) as report:
            return await push(opened.store, target, force=force, progress=report)

    pushed = run(wanted, work)
    if wanted.as_json:
        show_json({"pushed": pushed})
    else:
        say(f"pushed to {target.url}" if pushed else "nothing has changed")
