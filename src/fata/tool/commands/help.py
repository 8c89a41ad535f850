"""fata help."""

from __future__ import annotations

import click

from fata.config.keys import LAUNCHER_OPTIONS
from fata.config.nearest import nearest
from fata.config.offer import installed
from fata.errors import ConfigError
from fata.tool.main import COMMANDS, fata
from fata.tool.screen import table
from fata.tool.session import PLANNED, TARGETS

KEYS = """\
A key is a value that the user of a program gives: --name value, or --name=value. Booleans may stand alone
(--verbose, --no-verbose); lists are written with commas, or by repeating the key. What is given first in this
list wins: the command line; the environment (FATA_NAME); [tool.fata.keys] in pyproject.toml; fata.lock; the
default. `fata run DIR --help` lists a program's keys, `fata describe DIR` their values and where they come
from. The same words work on the program that `fata build` makes.
"""

ERRORS = """\
Mistakes in a configuration, an argument or an application's signature are told in one message: file, line,
what is wrong, what to do; the status is 2. A program's own uncaught exception is shown with its
traceback; the status is 1. Otherwise the status is the program's own; 130 after Ctrl-C, 143 after SIGTERM.
With --json the message is an object: {"error": {"file", "line", "reason", "remedy"}}.
"""


@click.command()
@click.argument("topic", required=False)
@click.pass_context
def command(ctx: click.Context, topic: str | None) -> None:
    """Explain a command, or one of the topics devices, targets, keys, reserved, errors."""
    texts = {"devices": _devices, "targets": _targets, "keys": lambda: KEYS, "reserved": _reserved}
    texts["errors"] = lambda: ERRORS
    parent = ctx.parent or ctx
    if topic is None:
        click.echo(fata.get_help(parent))
        click.echo(f"\nTopics: {', '.join(sorted(texts))}. `fata help TOPIC` explains one.")
    elif topic in texts:
        click.echo(texts[topic]().rstrip("\n"))
    elif topic in COMMANDS:
        found = fata.get_command(parent, topic)
        assert found is not None
        click.echo(found.get_help(click.Context(found, info_name=topic, parent=parent)))
    else:
        near = nearest(topic, [*texts, *COMMANDS])
        raise ConfigError(
            f"there is no topic {topic!r}",
            remedy=f"Did you mean {near!r}?" if near else f"There are {', '.join([*texts, *COMMANDS])}.",
        )


def _devices() -> str:
    rows = [
        {
            "device": offer.make.__name__,
            "contract": offer.entry.contract.__name__,
            "targets": ", ".join("every" if name == "*" else name for name in offer.entry.implementation),
            "default": "yes" if offer.default is not None else "",
            "is": offer.entry.doc,
        }
        for offer in installed().offers
    ]
    return f"Devices for config.py, `from fata.config import …`:\n\n{table(rows)}"


def _targets() -> str:
    planned = ", ".join(PLANNED)
    return (
        "unix: a process of the host.\n"
        "virtio: a machine without an operating system, under QEMU and whoever else boots a kernel by PVH.\n"
        f"Planned: {planned}.\nThere today: {', '.join(TARGETS)}."
    )


def _reserved() -> str:
    names = ", ".join(f"--{name}" for name in sorted(LAUNCHER_OPTIONS))
    return f"Options of the tool and of every program, which no key may be named after:\n{names}"
