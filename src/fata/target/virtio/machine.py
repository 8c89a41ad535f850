"""What a virtual machine is to have, as a user writes it on the command line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from fata.errors import ConfigError

MODELS = ("microvm", "q35")
ACCELERATORS = ("auto", "tcg", "kvm")
DEFAULT_MEMORY = 128  # MiB
LEAST_MEMORY = 8  # MiB; below that QEMU itself fails
USER = "user"  # a network of QEMU's own
LOOPBACK = "127.0.0.1"
SECTOR = 512  # octets
READ_ONLY = ":ro"
LONGEST_SOCKET = 107  # octets, sockaddr_un less its NUL

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
class Drive:
    """A disk image of the host."""

    path: Path
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine; `nics` are "user" or the name of a TAP interface, memory is in MiB.

    `terminals` are paths of sockets that QEMU is to listen at, `captures` files for a network's frames by its number.
    `memory_file` is a file that is to be the machine's memory.
    """

    model: str = MODELS[0]
    memory: int = DEFAULT_MEMORY
    forwards: tuple[Forward, ...] = ()
    nics: tuple[str, ...] = ()
    drives: tuple[Drive, ...] = ()
    gdb: bool = False
    terminals: tuple[Path, ...] = ()
    captures: tuple[tuple[int, Path], ...] = ()
    memory_file: str | None = None


def enough_memory(image: int, floor: int) -> int:
    """Return the MiB that an image of so many octets gets when nobody says; `floor` is its measured least, in MiB."""
    return max(DEFAULT_MEMORY, 2 * floor, DEFAULT_MEMORY // 2 + 2 * image // (1 << 20))


def read_memory(text: str) -> int:
    """Read "64", "64M" or "1G" as MiB. Raises ConfigError."""
    match = _MEMORY.fullmatch(text.strip())
    mebibytes = int(match[1]) * (1024 if match[2] in ("g", "G") else 1) if match else 0
    if mebibytes < LEAST_MEMORY:
        raise ConfigError(
            f"--memory {text}: not an amount of memory, or below {LEAST_MEMORY} MiB",
            remedy="Write MiB, such as 64, or 64M or 1G.",
        )
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


def read_drive(text: str) -> Drive:
    """Read "disk.img", or "disk.img:ro" for one that the guest may not change. Raises ConfigError."""
    path, read_only = Path(text), False
    if text.endswith(READ_ONLY) and not path.exists():
        path, read_only = Path(text.removesuffix(READ_ONLY)), True
    if path.exists() and not (path.is_file() or path.is_block_device()):
        raise ConfigError(f"--drive {text}: no disk can be there", remedy="Name a file, or a block device.")
    if not path.exists():
        raise ConfigError(f"--drive {text}: there is no such file", remedy=f"Make it: truncate -s 64M {path}")
    if not os.access(path, os.R_OK if read_only else os.R_OK | os.W_OK):
        remedy = f"Give it read-only: --drive {path}{READ_ONLY}" if os.access(path, os.R_OK) else "Change its mode."
        raise ConfigError(f"--drive {text}: you may not {'read' if read_only else 'write'} the file", remedy=remedy)
    octets = path.stat().st_size
    if path.is_file() and (octets % SECTOR or not octets):
        raise ConfigError(
            f"--drive {text}: {octets} octets are no whole number of sectors of {SECTOR}",
            remedy=f"Lengthen it: truncate -s {-(-max(octets, 1) // SECTOR) * SECTOR} {path}",
        )
    return Drive(path.absolute(), read_only)


def read_terminal(text: str) -> Path:
    """Read the path of a socket that QEMU is to make. Raises ConfigError."""
    path = Path(text).absolute()
    if path.exists() and not path.is_socket():
        raise ConfigError(f"--terminal {text}: something else is there", remedy="Name a path that is free.")
    if not path.parent.is_dir() or len(str(path).encode()) > LONGEST_SOCKET:
        raise ConfigError(f"--terminal {text}: no socket can be there", remedy="Name a short path in a folder.")
    return path


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
