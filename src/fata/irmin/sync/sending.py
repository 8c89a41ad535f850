"""From objects in a repository to a pack that is sent: through a file, so that neither side holds all of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import IO, Any

from fata.disk.git.pack import TYPE_OF
from fata.irmin.history.reachable import reachable
from fata.irmin.repo import Repo

HEAD = Struct("<BI20s")  # type, length, id
IN_MEMORY = 1 << 22  # octets that are held without a file


class Departure:
    """Objects on their way out. They are written here by the event loop's thread and read by the one that sends."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 – closed by `__exit__`
        self.count = 0

    def __enter__(self) -> Departure:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    async def collect(self, repo: Repo[Any], wants: Iterable[bytes], known: Iterable[bytes]) -> None:
        """Take what `wants` lead to and `known` do not."""
        async for oid, (kind, body) in reachable(repo.objects, wants, known=known):
            self._file.write(HEAD.pack(TYPE_OF[kind], len(body), oid) + body)
            self.count += 1

    def objects(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield type, id and body of each object."""
        self._file.seek(0)
        for _ in range(self.count):
            kind, length, oid = HEAD.unpack(self._file.read(HEAD.size))
            yield kind, oid, self._file.read(length)
