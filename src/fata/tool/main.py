"""The command `fata` and how its subcommands are found."""

from __future__ import annotations

import gc
import os
import sys

import click

from fata import __version__
from fata.errors import ConfigError, FataError, Unavailable
from fata.tool.lazy import Lazy
from fata.tool.screen import say, show_error

COMMANDS = {
    "new": "Make a folder with an application, its config.py and a test.",
    "run": "Configure, build and start an application.",
    "configure": "Read config.py, settle the keys, write main.py and fata.lock.",
    "build": "Make the program that a target runs.",
    "describe": "Show what the configuration became: keys and the graph of devices.",
    "check": "Look for mistakes without running: config.py, wiring, imports, types.",
    "test": "Run an application's tests.",
    "lock": "Settle which wheels an image is made of, with their hashes.",
    "modules": "Say which modules of the standard library work in a guest.",
    "size": "Show where the octets of an image go.",
    "debug": "Say what an address in a kernel's message means.",
    "irmin": "Keep values in a git repository: set, get, merge, pull, push.",
    "fat": "Make, read, change, check and repair images of FAT volumes.",
    "btree": "Look into the B-tree in a disk image, and change it.",
    "disk": "Partition images of disks, and look into them.",
    "mount": "Show what is in a disk image as files of this machine.",
    "clean": "Remove what build and configure made.",
    "doctor": "Say what this machine has for fata, and what it lacks.",
    "completion": "Print the completion script of a shell.",
    "help": "Explain a command or a topic.",
}
"""The commands in the order of a first acquaintance, with their one line; the rest is in `commands/`."""


@click.group(
    cls=Lazy,
    lines=COMMANDS,
    place=lambda name: f"fata.tool.commands.{name}:command",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="fata")
def fata() -> None:
    """Typed Python applications as processes or unikernels.

    `fata run DIR` starts the application in a folder, `fata new NAME` makes one.
    """


def main() -> None:
    """Run the command line and exit: 0, 2 for the user's mistake, 1 for anything else."""
    try:
        status = fata.main(prog_name="fata", standalone_mode=False)
    except ConfigError as error:
        show_error(error, as_json="--json" in sys.argv)
        status = 2
    except FataError as error:
        show_error(_told(error), as_json="--json" in sys.argv)
        status = 1
    except OSError as error:  # a folder that is not there, no right, no room: whoever knew more has said more
        show_error(_told(error), as_json="--json" in sys.argv and error.filename is not None)
        status = 1
    except click.ClickException as error:
        error.show()
        status = 2
    except (click.Abort, KeyboardInterrupt):
        status = 130
    status = _flushed(status)
    gc.freeze()  # the interpreter is about to end: there is nothing to be gained by looking for garbage
    sys.exit(status if isinstance(status, int) else 0)


def _told(error: FataError | OSError) -> ConfigError:
    """Return what went wrong as reason and remedy."""
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{error.filename}: "
        return ConfigError(f"{place}{error.strerror or error}")
    if isinstance(error, Unavailable):
        return ConfigError(error.reason, remedy=error.remedy)
    return ConfigError(str(error))


def _flushed(status: object) -> object:
    """Write what is left of the output; where that fails (a full disk) the status is 1, and nobody tries again."""
    try:
        sys.stdout.flush()
    except OSError as error:
        say(f"error: standard output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    main()
