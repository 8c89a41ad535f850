"""fata irmin gc and fsck."""

from __future__ import annotations

import sys

import click

from fata.irmin.backend.git.directory import PRUNE_AGE
from fata.irmin.check import Problem
from fata.irmin.collect import Collected
from fata.tool.irmin.opening import Opened, run
from fata.tool.irmin.place import Wanted
from fata.tool.screen import progress, say, show_json


@click.command("gc")
@click.option("--depth", type=click.IntRange(1), help="Keep so many commits of each branch, and forget older ones.")
@click.option("--now", is_flag=True, help="Also what was written in the last hour; let nobody else write meanwhile.")
@click.pass_obj
def gc_command(wanted: Wanted, depth: int | None, now: bool) -> None:
    """Forget objects that no branch, tag or remote's branch leads to.

    What git has staged stays, and what its reflogs name.
    """

    async def work(opened: Opened) -> Collected:
        with progress(quiet=wanted.as_json):
            return await opened.repo.collect(depth)

    found = run(wanted, work, prune_age=0 if now else PRUNE_AGE)
    if wanted.as_json:
        show_json(found._asdict())
        return
    young = f"; {found.young} are too young to go: --now removes them" if found.young else ""
    say(f"kept {found.kept}, deleted {found.deleted}{young}")


@click.command("fsck")
@click.option("--decode", is_flag=True, help="Values must also be what --contents says.")
@click.pass_obj
def fsck_command(wanted: Wanted, decode: bool) -> None:
    """Read, hash and parse everything that references lead to; end with 1 if something is wrong."""

    async def work(opened: Opened) -> list[Problem]:
        with progress(quiet=wanted.as_json):
            return [problem async for problem in opened.repo.check(decode)]

    found = run(wanted, work)
    if wanted.as_json:
        show_json([problem._asdict() for problem in found])
    for problem in () if wanted.as_json else found:
        click.echo(
            f"{problem.what} (from {problem.user}): {problem.reason}"
            if problem.user
            else f"{problem.what}: {problem.reason}"
        )
    if found:
        sys.exit(1)
    if not wanted.as_json:
        say("nothing is wrong")
