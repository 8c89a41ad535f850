"""Options of the tool and keys of applications stand in one line, so that a name belongs to one of them."""

from __future__ import annotations

import click

from fata.config.keys import LAUNCHER_OPTIONS
from fata.tool.keyed import Keyed
from fata.tool.main import COMMANDS, fata


def test_no_key_may_be_named_like_an_option() -> None:
    context = click.Context(fata)
    commands = [fata.get_command(context, name) for name in COMMANDS]
    options = {
        option.removeprefix("--")
        for command in commands
        if isinstance(command, Keyed)
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert "snapshot" in options
    assert options <= LAUNCHER_OPTIONS
