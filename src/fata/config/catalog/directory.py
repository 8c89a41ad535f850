"""directory: a folder of the host."""

from __future__ import annotations

from fata.config.impl import Entry, HostPath, Impl, device
from fata.config.keys import REQUIRED, Key, prefixed
from fata.config.offer import Offer
from fata.config.value import TEXT
from fata.config.where import caller
from fata.device.kv import KvRw

ENTRY = Entry(
    "directory",
    KvRw,
    {"unix": "fata.driver.kv.directory:open_directory"},
    "A folder of the host, which nothing escapes from.",
)


def directory(folder: str | Key[str] | None = None, *, read_only: bool = False, name: str | None = None) -> Impl[KvRw]:
    """Return the files of a host's folder (relative to config.py).

    Without `folder` it is the key `--folder`, or `--NAME-folder`.
    """
    if folder is None:
        owner = f"directory(read_only={read_only})"  # unequal folders may not share a key
        folder = Key(prefixed(name, "folder"), TEXT, REQUIRED, "folder of the host", owner=owner, where=caller())
    made: Impl[KvRw] = device(ENTRY, name=name, root=HostPath(folder), read_only=read_only)
    return made


def _from_path(path: Key[str]) -> Impl[KvRw]:
    return directory(path)


OFFER = Offer(directory, ENTRY, from_path=_from_path)
