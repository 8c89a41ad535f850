"""fata completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from fata.tool.main import fata


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: fata completion bash > ~/.local/share/bash-completion/completions/fata
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(fata, {}, "fata", "_FATA_COMPLETE").source())
