"""generic_kv_ro: files to read, as suits the target."""

from __future__ import annotations

from fata.config.catalog.crunch import ENTRY, crunch
from fata.config.catalog.directory import directory
from fata.config.impl import Impl, if_
from fata.config.keys import Key, Target
from fata.config.offer import Offer
from fata.device.kv import KvRo


def generic_kv_ro(folder: str | Key[str], *, name: str | None = None) -> Impl[KvRo]:
    """Return the files of a folder: on unix as they are at each moment, elsewhere packed into the image."""
    return if_(Target().map(_has_folders), directory(folder, read_only=True, name=name), crunch(folder, name=name))


def _has_folders(target: str) -> bool:
    return target == "unix"


def _from_path(path: Key[str]) -> Impl[KvRo]:
    return generic_kv_ro(path)


OFFER = Offer(generic_kv_ro, ENTRY, from_path=_from_path)
