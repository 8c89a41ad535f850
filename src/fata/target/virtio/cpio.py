"""Boot-time files as the kernel takes them: a cpio archive of the "newc" form, handed over as the initial RAM disk.

Each file is a header of 110 ASCII characters (magic 070701 and thirteen numbers of eight hexadecimal digits), its
name with a NUL, its content; name and content each padded to a multiple of four octets. A file named TRAILER!!! ends
the archive.
"""

from __future__ import annotations

from collections.abc import Mapping

from fata.errors import ConfigError

MAGIC = "070701"
LAST = "TRAILER!!!"
PRIVATE_FILE = 0o100400
NAME_MAX = 112  # octets; the kernel keeps them as /boot/NAME


def write_cpio(files: Mapping[str, bytes]) -> bytes:
    """Write an archive of files by name. Raises ConfigError for a name that would lead elsewhere."""
    for name in files:
        parts = name.split("/")
        if (
            name == LAST
            or "\0" in name
            or len(name.encode()) > NAME_MAX
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise ConfigError(
                f"--file {name}=…: not a name for a file of the guest",
                remedy=f"Names are relative, of at most {NAME_MAX} octets; the program sees /boot/NAME.",
            )
    members = [_member(name.encode(), data, number) for number, (name, data) in enumerate(sorted(files.items()), 1)]
    return b"".join([*members, _member(LAST.encode(), b"", 0)])


def _member(name: bytes, data: bytes, number: int) -> bytes:
    mode = PRIVATE_FILE if number else 0
    numbers = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    header = MAGIC + "".join(f"{value:08x}" for value in numbers)
    return _padded(header.encode() + name + b"\0") + _padded(data)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
