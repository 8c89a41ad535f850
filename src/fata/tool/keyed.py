"""Commands that take an application and its keys besides their own options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fata.config.keys import Key, Required
from fata.config.project import CONFIG
from fata.config.value import show
from fata.errors import ConfigError
from fata.tool.screen import json_option
from fata.tool.session import open_session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class MachineOption(click.Option):
    """An option that only a virtual machine has; help lists them apart."""

    HEADING = "Options of a virtual machine (-t virtio)"


class Keyed(click.Command):
    """A command `fata X [DIR | module:name] [options] [--key value …]`: what it does not know is for the keys."""

    def __init__(self, name: str | None, **options: Any) -> None:
        super().__init__(name, **options)
        self.context_settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[DIR | MODULE:NAME]", "[OPTIONS]", "[--KEY VALUE]..."]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        for heading, kind in (("Options", click.Option), (MachineOption.HEADING, MachineOption)):
            rows = [option.get_help_record(ctx) for option in options if type(option) is kind]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl([row for row in rows if row is not None])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        words = ctx.args
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return found + _complete_key(words, incomplete)
        return found + ([] if words else _complete_folder(incomplete))


def _complete_key(words: list[str], incomplete: str) -> list[CompletionItem]:
    try:
        keys = open_session(words[:1], None).plan.keys
    except ConfigError:
        return []
    from click.shell_completion import CompletionItem

    return [CompletionItem(f"--{key.name}", help=key.doc) for key in keys if f"--{key.name}".startswith(incomplete)]


def _complete_folder(incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    parent = Path(incomplete if incomplete.endswith("/") else Path(incomplete).parent)
    if not parent.is_dir():
        return []
    folders = (entry for entry in parent.iterdir() if entry.is_dir() and str(entry).startswith(incomplete.rstrip("/")))
    ranked = sorted(folders, key=lambda entry: (not (entry / CONFIG).is_file(), entry.name))
    return [CompletionItem(str(entry)) for entry in ranked if not entry.name.startswith(".")]


def keyed(*, as_json: bool = False) -> Callable[[Callable[..., None]], click.Command]:
    """Return the decorators that such a command shares: --target, --json where it speaks JSON, and --help with keys."""

    def decorate(function: Callable[..., None]) -> click.Command:
        wrapped: Callable[..., None] = click.pass_context(function)
        if as_json:
            wrapped = json_option(wrapped)
        wrapped = click.option("--target", "-t", metavar="NAME", help="Target: unix or virtio.")(wrapped)
        wrapped = click.option(
            "--help",
            "-h",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_help,
            help="Explain the command and the application's keys.",
        )(wrapped)
        return click.command(cls=Keyed)(wrapped)

    return decorate


def _help(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    ctx.meta["fata.help"] = True


def show_help(ctx: click.Context, target: str | None) -> bool:
    """If --help was among the words, print it with the application's keys and say so."""
    if not ctx.meta.get("fata.help"):
        return False
    click.echo(ctx.get_help())
    named = [word for word in ctx.args if not word.startswith("-")][:1]
    if not named and not Path(CONFIG).is_file():
        click.echo("\nName an application to see its keys: fata run DIR --help")
        return True
    keys = open_session(named, target).plan.keys
    click.echo(f"\nKeys of {named[0] if named else 'this application'}:")
    formatter = ctx.make_formatter()
    formatter.write_dl([(f"  --{key.name} {key.type.metavar()}", _explain(key)) for key in keys] or [("  none", "")])
    click.echo(formatter.getvalue().rstrip("\n"))
    return True


def _explain(key: Key[Any]) -> str:
    default = "required" if isinstance(key.default, Required) else f"default: {show(key.type, key.default) or 'none'}"
    stage = "" if key.stage == "both" else f", only to {key.stage}"
    return f"{key.doc or 'no help was written'} [{default}{stage}]"
