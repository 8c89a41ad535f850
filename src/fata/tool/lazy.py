"""Groups whose commands are imported when they are called: `--help` must not pay for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import click

from fata.errors import ConfigError


class Lazy(click.Group):
    """`lines` has each command's name and its line of help, `place` the "module:attribute" where one is."""

    def __init__(
        self, name: str | None = None, *, lines: Mapping[str, str], place: Callable[[str], str], **options: Any
    ) -> None:
        super().__init__(name, **options)
        self._lines = lines
        self._place = place

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lines:
            return None
        module, _, attribute = self._place(cmd_name).partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._lines and not args[0].startswith("-"):
            from fata.config.nearest import nearest

            near, path = nearest(args[0], self._lines), ctx.command_path
            raise ConfigError(
                f"there is no command `{path} {args[0]}`",
                remedy=f"Did you mean `{path} {near}`?" if near else f"`{path} --help` lists them.",
            )
        return super().resolve_command(ctx, args)
