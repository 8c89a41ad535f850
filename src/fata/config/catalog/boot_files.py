"""boot_files: what `--file NAME=PATH` gives."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device, match
from fata.config.keys import Key, Target
from fata.config.offer import Offer
from fata.config.value import TEXT, Many
from fata.config.where import caller
from fata.device.boot_files import BootFiles

PROCESS = Entry(
    "boot_files",
    BootFiles,
    {"unix": "fata.driver.boot_files.given:GivenFiles"},
    "Files that are given when the program starts, by `--file NAME=PATH`, and are in no image.",
)
MACHINE = Entry(
    "boot_files",
    BootFiles,
    {"virtio": "fata.driver.boot_files.folder:BootFolder"},
    "Files that are given when the program starts, by `--file NAME=PATH`, and are in no image.",
)


def boot_files() -> Impl[BootFiles]:
    """Return the files that are given when the program starts: on every target by `--file NAME=PATH`."""
    # Of a process they are an argument like others; a machine's boot loader takes them, so the program sees no option.
    files: Key[list[str]] = Key(
        "file", Many(TEXT), [], "a file for this run, NAME=PATH", "boot", where=caller(), launcher=True
    )
    process: Impl[BootFiles] = device(PROCESS, files=files)
    machine: Impl[BootFiles] = device(MACHINE)
    return match(Target(), {"virtio": machine}, default=process)


OFFER = Offer(boot_files, PROCESS, default=boot_files)
MACHINE_OFFER = Offer(boot_files, MACHINE, default=boot_files)
