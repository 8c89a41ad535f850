"""What a virtual machine is to have, as a user writes it on the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fata.errors import ConfigError

MODELS = ("microvm", "q35")
ACCELERATORS = ("auto", "tcg", "kvm")
DEFAULT_MEMORY = 128  # MiB
LEAST_MEMORY = 8  # MiB; below that QEMU itself fails
LOOPBACK = "127.0.0.1"

_MEMORY = re.compile(r"(\d{1,7})\s*([mMgG]?)(i?[bB])?")
_PORTS = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<host>\d{1,5}):(?P<guest>\d{1,5})(?:/(?P<kind>tcp|udp))?"
)
_TAP = re.compile(r"tap=([\w.-]{1,15})")  # IFNAMSIZ less its NUL


@dataclass(frozen=True, slots=True)
class Forward:
    """A port of the host that leads to one of the guest's."""

    address: str
    host: int
    guest: int
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}:{self.host}-:{self.guest}"


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine; `nics` are "user" or the name of a TAP interface, memory is in MiB."""

    model: str = MODELS[0]
    memory: int = DEFAULT_MEMORY
    forwards: tuple[Forward, ...] = ()
    nics: tuple[str, ...] = ()
    drives: tuple[Path, ...] = ()
    gdb: bool = False


def enough_memory(image: int, floor: int) -> int:
    """Return the MiB that an image of so many octets gets when nobody says; `floor` is its measured least, in MiB."""
    return max(DEFAULT_MEMORY, 2 * floor, DEFAULT_MEMORY // 2 + 2 * image // (1 << 20))


def read_memory(text: str) -> int:
    """Read "64", "64M" or "1G" as MiB. Raises ConfigError."""
    match = _MEMORY.fullmatch(text.strip())
    mebibytes = int(match[1]) * (1024 if match[2] in ("g", "G") else 1) if match else 0
    if mebibytes < LEAST_MEMORY:
        raise ConfigError(f"--memory {text}: not an amount of memory", remedy="Write MiB, such as 64, or 64M or 1G.")
    return mebibytes


def read_forward(text: str) -> Forward:
    """Read "8080:80", "0.0.0.0:8080:80" or "5353:53/udp"; without an address the host's loopback.

    Raises ConfigError.
    """
    match = _PORTS.fullmatch(text)
    if match is None or not all(0 < int(match[name]) < 1 << 16 for name in ("host", "guest")):
        raise ConfigError(
            f"--publish {text}: not ports of the host and the guest",
            remedy="Write HOST:GUEST, such as 8080:80, 0.0.0.0:8080:80 or 5353:53/udp.",
        )
    return Forward(match["address"] or LOOPBACK, int(match["host"]), int(match["guest"]), match["kind"] or "tcp")


def read_nic(text: str) -> str:
    """Read "user" or "tap=NAME"; return "user" or NAME. Raises ConfigError."""
    match = _TAP.fullmatch(text)
    if text != "user" and match is None:
        raise ConfigError(f"--nic {text}: not a network", remedy="Write user, or tap=NAME for a TAP interface.")
    return match[1] if match else text


def read_drive(text: str) -> Path:
    """Read the path of a disk image. Raises ConfigError when there is none."""
    path = Path(text)
    if not (path.is_file() or path.is_block_device()):
        raise ConfigError(f"--drive {text}: there is no such file", remedy=f"Make it: truncate -s 64M {text}")
    return path.absolute()


def read_file(text: str) -> tuple[str, bytes]:
    """Read "NAME=PATH"; return the name and the file's content. Raises ConfigError."""
    name, equals, path = text.partition("=")
    if not equals or not name:
        raise ConfigError(
            f"--file {text}: not a name and a path", remedy="Write NAME=PATH; the program sees /boot/NAME."
        )
    try:
        return name, Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"--file {text}: {path}: {error.strerror}", remedy="Name a file that can be read.") from None
