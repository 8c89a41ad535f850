"""The options of `fata run` that describe a virtual machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import click

from fata.errors import ConfigError
from fata.target.virtio.machine import (
    ACCELERATORS,
    DEFAULT_MEMORY,
    MODELS,
    Machine,
    read_drive,
    read_forward,
    read_memory,
    read_nic,
    read_terminal,
)
from fata.target.virtio.qemu import GDB_PORT
from fata.tool.keyed import MachineOption
from fata.tool.session import check_target

VIRTIO = "virtio"

_option = partial(click.option, cls=MachineOption)
OPTIONS = (
    _option("--publish", "-p", multiple=True, metavar="[ADDR:]HOST:GUEST", help="A port that leads to the guest's."),
    _option("--memory", metavar="MIB", help=f"Memory of the guest, 64 or 1G. [default: {DEFAULT_MEMORY}]"),
    _option("--drive", multiple=True, metavar="FILE[:ro]", help="A disk image (raw) for the guest."),
    _option("--terminal", multiple=True, metavar="SOCKET", help="A console beside the serial port: virtio's."),
    _option("--nic", multiple=True, metavar="user|tap=NAME", help="A network of QEMU's own, or a TAP interface."),
    click.option("--file", "files", multiple=True, metavar="NAME=PATH", help="A file for this run, in no image."),
    _option("--machine", "model", type=click.Choice(MODELS), help=f"Kind of machine. [default: {MODELS[0]}]"),
    _option("--accel", type=click.Choice(ACCELERATORS), help="KVM if it works, emulation, or KVM. [default: auto]"),
    _option("--snapshot", is_flag=True, help="Import when the image is built; starts go on from there."),
    _option("--gdb", is_flag=True, help=f"Wait for gdb on port {GDB_PORT} before the first instruction."),
)


def image_target(given: str | None) -> str:
    """Return the target of a command about images. Raises ConfigError for one that has none."""
    if given not in (None, VIRTIO):
        check_target(str(given))
        raise ConfigError(f"on {given} there is no image", remedy=f"Ask about -t {VIRTIO}.")
    return VIRTIO


class Options(NamedTuple):
    """What was given of a machine, as words; None, () or False where nothing was."""

    publish: tuple[str, ...]
    memory: str | None
    drive: tuple[str, ...]
    terminal: tuple[str, ...]
    nic: tuple[str, ...]
    files: tuple[str, ...]
    model: str | None
    accel: str | None
    snapshot: bool
    gdb: bool

    def machine(self) -> Machine:
        """Read the words. Raises ConfigError."""
        return Machine(
            self.model or MODELS[0],
            DEFAULT_MEMORY if self.memory is None else read_memory(self.memory),
            tuple(map(read_forward, self.publish)),
            tuple(map(read_nic, self.nic)),
            tuple(map(read_drive, self.drive)),
            self.gdb,
            tuple(map(read_terminal, self.terminal)),
        )

    def refuse(self, target: str) -> None:
        """Refuse every option that was given but files, for a target that is no machine."""
        names = {"model": "machine"}
        for name, value in self._asdict().items():
            if value and name != "files":
                raise ConfigError(
                    f"--{names.get(name, name)} belongs to a virtual machine, and the target is {target}",
                    remedy=f"Run it with -t {VIRTIO}, or leave the option out.",
                )


def machine_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as one `Options`."""

    def gathered(*arguments: Any, **values: Any) -> None:
        options = Options(**{name: values.pop(name) for name in Options._fields})
        function(*arguments, options=options, **values)

    gathered.__doc__ = function.__doc__
    for option in reversed(OPTIONS):
        gathered = option(gathered)
    return gathered
