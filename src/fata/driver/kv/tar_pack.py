"""Make a tar archive of a folder: the step that runs when an application's image is built."""

from __future__ import annotations

import os

from fata.disk.tar import BLOCK, ZEROS, serialize
from fata.driver.kv.folder import chunk, files_of, latest, opened, replacing
from fata.errors import ConfigError

RECORD = 20 * BLOCK  # octets: what tar fills up to


def pack(directory: str, out_path: str) -> None:
    """Write the files of `directory` to `out_path` as a tar archive, whole or not at all; equal files, equal octets.

    Names are sorted, owners and modes are all the same, no time is later than SOURCE_DATE_EPOCH if that is set. See
    `files_of` for what is packed. Raises ConfigError.
    """
    last = latest()
    files = files_of(directory, out_path)
    with replacing(out_path) as stream:
        for key, path in files:
            with opened(path) as source:
                state = os.fstat(source.fileno())
                stream.write(serialize(key, state.st_size, min(max(int(state.st_mtime), 0), last)))
                size = 0
                while piece := chunk(source, path):
                    size += stream.write(piece)
            if size != state.st_size:
                raise ConfigError(f"{path}: has changed while it was packed", remedy="Try again.")
            stream.write(bytes(-size % BLOCK))
        stream.write(ZEROS * 2)
        stream.write(bytes(-stream.tell() % RECORD))
