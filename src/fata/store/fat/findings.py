"""What `check` can find, and what would mend it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Fault(Enum):
    """A kind of fault. The value is its name in reports."""

    BOOT = "boot sector"  # no volume can be made out
    BACKUP_USED = "boot sector, its copy is good"
    BACKUP = "copy of the boot sector"
    IN_USE = "not closed"
    FAILED = "disk errors"
    LABEL = "label"
    FSINFO = "free-space hints"
    MEDIUM = "first FAT entries"
    COPIES = "copies of the FAT differ"
    LOST = "lost clusters"
    CROSSED = "cross link"
    CHAIN = "broken chain"
    LONG_CHAIN = "chain longer than its file"
    EMPTY_CHAIN = "chain of an empty file"
    DIRECTORY = "broken directory"
    RENAMED = "rename cut short"
    DOTS = "dot entries"
    ORPHAN = "parts of a long name"
    NAME = "invalid name"
    DUPLICATE = "duplicate name"
    ATTRIBUTES = "attributes"
    DATE = "invalid date"
    STALE = "entries behind the end"


class Finding(NamedTuple):
    """One fault: `path` is where ("" for the volume or its root), `detail` what, in words."""

    fault: Fault
    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path or 'volume'}: {self.fault.value}: {self.detail}"


class Patch(NamedTuple):
    """Octets that belong at an offset of the volume."""

    offset: int
    data: bytes


# What a cut of the power leaves behind, and a single pass mends for good.
ORDINARY = frozenset(
    {
        Fault.IN_USE,
        Fault.FSINFO,
        Fault.COPIES,
        Fault.LOST,
        Fault.LONG_CHAIN,
        Fault.EMPTY_CHAIN,
        Fault.RENAMED,
        Fault.DOTS,
        Fault.ORPHAN,
        Fault.STALE,
    }
)
