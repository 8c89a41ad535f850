"""fata irmin: git for data, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from fata.tool.irmin.place import CONTENTS, DURABILITIES, Wanted
from fata.tool.lazy import Lazy
from fata.tool.screen import json_option

# Where each command is. Imported when called: `fata irmin get` need not know of git's protocols.
COMMANDS = {
    "init": ("starting", "Make a repository, which real git opens as well."),
    "clone": ("syncing", "Make a repository from another one."),
    "get": ("reading", "Write the value at a path on standard output."),
    "set": ("writing", "Put a value at a path."),
    "remove": ("writing", "Remove what is at a path."),
    "list": ("reading", "List a directory."),
    "tree": ("reading", "Show everything beneath a path."),
    "log": ("history", "Show commits, newest first."),
    "branches": ("history", "List branches and their heads."),
    "merge": ("writing", "Merge a branch or commit into this branch."),
    "fetch": ("syncing", "Bring a remote's history here; move no branch."),
    "pull": ("syncing", "Fetch, then merge what came."),
    "push": ("syncing", "Send this branch's history to a remote."),
    "snapshot": ("history", "Print the id of the present state."),
    "revert": ("writing", "Go back to an earlier state."),
    "watch": ("watching", "Tell of changes as they come, or run a program for each."),
    "dot": ("history", "Draw the history, as DOT or SVG."),
    "gc": ("upkeep", "Forget what no branch leads to."),
    "fsck": ("upkeep", "Read and check everything that branches lead to."),
}


@click.group(
    cls=Lazy,
    lines={name: line for name, (_, line) in COMMANDS.items()},
    place=lambda name: f"fata.tool.irmin.{COMMANDS[name][0]}:{name}_command",
)
@click.option("--root", type=click.Path(path_type=Path), help="The repository; else the one that the folder is in.")
@click.option("--branch", "-b", help="The branch; else what HEAD names.")
@click.option("--contents", "-c", type=click.Choice(CONTENTS), help="What values are, for merging and checking.")
@json_option
@click.option(
    "--durability",
    type=click.Choice(DURABILITIES),
    help="When commits are forced to disk: each (sync, unless told otherwise), when the command ends, not at all.",
)
@click.pass_context
def command(
    ctx: click.Context,
    root: Path | None,
    branch: str | None,
    contents: str | None,
    as_json: bool,
    durability: str | None,
) -> None:
    """Git for data: values at paths, whose every change is a commit.

    The repository is a git directory: git's own programs may work on it at the same time. What is always wanted can
    stand in `irmin.toml` or in `[tool.fata.irmin]` of pyproject.toml: root, branch, contents, author, remote,
    durability.
    """
    ctx.obj = Wanted(root, branch, contents, as_json, durability)
