"""A backend that somebody else could have written: a store in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable

from fata.disk.git.objects import Object
from fata.irmin.backend.contract import Capabilities, Listener, Objects, RefChange
from fata.irmin.backend.listeners import Listeners
from fata.irmin.errors import NameTaken

SCHEMA = """
create table if not exists objects (id blob primary key, kind blob not null, body blob not null) without rowid;
create table if not exists refs (name text primary key, id blob not null) without rowid;
"""
KEEP = "insert or ignore into objects values (?, ?, ?)"


class SqliteBackend:
    """Objects and references as two tables; a commit is one transaction."""

    capabilities = Capabilities(durable=True)

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript("pragma journal_mode = wal; pragma synchronous = full;" + SCHEMA)
        self._listeners = Listeners()

    async def read(self, oid: bytes) -> Object | None:
        found: Object | None = self._one("select kind, body from objects where id = ?", oid)
        return found

    async def contains(self, oid: bytes) -> bool:
        return self._one("select 1 from objects where id = ?", oid) is not None

    async def write(self, objects: Objects) -> None:
        await self.commit(objects, ())

    async def commit(self, objects: Objects, changes: Iterable[RefChange]) -> bool:
        changes = tuple(changes)
        self._database.execute("begin immediate")
        try:
            done = all(self._change(change) for change in changes)
            if done:
                self._database.executemany(KEEP, ((oid, kind, body) for oid, (kind, body) in objects.items()))
            self._database.execute("commit" if done else "rollback")
        except BaseException:
            self._database.execute("rollback")
            raise
        if done:
            self._listeners.tell(changes)
        return done

    def _change(self, change: RefChange) -> bool:
        name, old, new = change
        if self._ref(name) != old:
            return False
        if new is None:
            self._database.execute("delete from refs where name = ?", (name,))
            return True
        if old is None:
            self._check_free(name)
        self._database.execute("insert or replace into refs values (?, ?)", (name, new))
        return True

    def _check_free(self, name: str) -> None:
        above = "select 1 from refs where substr(?1, 1, length(name) + 1) = name || '/'"
        below = "select 1 from refs where substr(name, 1, length(?1) + 1) = ?1 || '/'"
        if self._one(above, name) or self._one(below, name):
            raise NameTaken(name)

    async def ref(self, name: str) -> bytes | None:
        return self._ref(name)

    def _ref(self, name: str) -> bytes | None:
        found = self._one("select id from refs where name = ?", name)
        return None if found is None else found[0]

    async def refs(self, prefix: str) -> dict[str, bytes]:
        query = "select name, id from refs where substr(name, 1, ?) = ? order by name"
        return dict(self._database.execute(query, (len(prefix), prefix)))

    async def default_branch(self) -> str:
        return "main"

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self._listeners.add(listener)

    async def ids(self) -> AsyncIterator[bytes]:
        for (oid,) in self._database.execute("select id from objects").fetchall():
            yield oid

    async def delete(self, oids: Iterable[bytes]) -> None:
        self._database.executemany("delete from objects where id = ?", ((oid,) for oid in oids))

    async def flush(self) -> None:
        """Nothing waits: every transaction is durable."""

    async def close(self) -> None:
        self._listeners.close()
        self._database.close()

    def _one(self, query: str, *values: bytes | str) -> tuple[bytes, bytes] | None:
        found: tuple[bytes, bytes] | None = self._database.execute(query, values).fetchone()
        return found
