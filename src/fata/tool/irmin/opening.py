"""Opening the repository that a command works on, and naming what is in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fata.blocking import drive
from fata.errors import ConfigError, Unavailable
from fata.irmin.backend.git import Durability, GitBackend
from fata.irmin.backend.git.directory import PRUNE_AGE
from fata.irmin.commit import Commit
from fata.irmin.contents.json import JSON
from fata.irmin.contents.plain import LINES, Plain
from fata.irmin.errors import IrminError, NotFound
from fata.irmin.merge.combined import first_of, like
from fata.irmin.merge.contract import Merge
from fata.irmin.merge.default import default
from fata.irmin.merge.text import text
from fata.irmin.refname import branch_ref
from fata.irmin.repo import Repo
from fata.irmin.store.store import Store
from fata.tool.irmin.place import Place, Wanted, find

T = TypeVar("T")

BY_LINES: Merge[bytes] = first_of(
    default, like(text, lambda octets: octets.decode("latin-1"), lambda t: t.encode("latin-1"))
)
BACK = re.compile(r"(.*?)((?:~\d*|\^)*)", re.DOTALL)
SHORTEST = 4  # digits of an abbreviated id


async def _bytes(base: Any, ours: bytes, theirs: bytes) -> bytes:
    """Merge line by line, unless it is no text: git's rule, a NUL."""
    return await (default if b"\0" in ours or b"\0" in theirs else BY_LINES)(base, ours, theirs)


TYPES: dict[str, Plain[Any]] = {
    "bytes": Plain("bytes", bytes, bytes, _bytes),
    "text": LINES,
    "json": JSON,
}


class Opened:
    """A repository and the store on the branch that is wanted."""

    def __init__(self, place: Place, repo: Repo[Any], store: Store[Any]) -> None:
        self.place = place
        self.repo = repo
        self.store = store

    @property
    def as_json(self) -> bool:
        """Whether to answer in JSON."""
        return self.place.as_json

    async def revision(self, name: str | None) -> Commit[Any] | None:
        """Return the commit that a branch, tag, id or abbreviated id names; the store's head for None.

        HEAD is what git calls so; NAME~2 and NAME^^ are two first parents further back.
        """
        if name is None:
            return await self.store.commit()
        match = BACK.fullmatch(name)
        assert match is not None
        commit = await self._named(match[1])
        for step in re.findall(r"~\d*|\^", match[2]):
            for _ in range(int(step[1:] or 1)):
                if not commit.parents:
                    raise NotFound(f"commit {name}: {match[1]} has no so long history")
                commit = await self.repo.commit(commit.parents[0])
        return commit

    async def _named(self, name: str) -> Commit[Any]:
        if name == "HEAD":
            return await self.repo.branches.get(await self.repo.backend.default_branch())
        for ref in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/remotes/{name}"):
            oid = await self.repo.backend.ref(ref)
            if oid is not None:
                return await self.repo.commit(oid)
        return await self.repo.commit(await self._id(name))

    async def _id(self, name: str) -> bytes:
        try:
            digits = bytes.fromhex(name if len(name) % 2 == 0 else f"{name}0")
        except ValueError:
            digits = b""
        if len(digits) == self.repo.objects.id_size:
            return digits
        found = set()
        if len(name) >= SHORTEST and digits:
            found = {oid async for oid in self.repo.backend.ids() if oid.hex().startswith(name.lower())}
        if len(found) != 1:
            raise NotFound(f"commit {name}" + (f": {len(found)} objects begin so" if found else ""))
        return found.pop()


def run(wanted: Wanted, work: Callable[[Opened], Coroutine[Any, Any, T]], prune_age: float = PRUNE_AGE) -> T:
    """Open the repository and do something there. A store's errors are told as a user's."""

    async def whole() -> T:
        opened = await open_place(find(wanted), prune_age)
        try:
            return await work(opened)
        finally:
            await opened.repo.backend.flush()
            await opened.repo.close()

    return told(whole)


def told(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do something; what goes wrong there is told in one line."""
    try:
        return drive(work())
    except (IrminError, Unavailable) as error:
        raise ConfigError(str(error)) from None
    except ValueError as error:
        raise ConfigError(f"a value is not what --contents says: {error}") from None


async def open_place(place: Place, prune_age: float = PRUNE_AGE) -> Opened:
    """Open a repository. Raises `Unavailable`, `InvalidName`."""
    backend = GitBackend(str(place.root), durability=Durability(place.durability), prune_age=prune_age)
    repo: Repo[Any] = Repo(backend, TYPES[place.contents], author=place.author)
    branch = place.branch or await backend.default_branch()
    branch_ref(branch)
    return Opened(place, repo, repo.of_branch(branch))


def plain(value: Any) -> Any:
    """Return a value as JSON has it: octets as text, or else as {"base64": …}."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def encoded(opened: Opened, value: Any) -> bytes:
    """Return a value's octets."""
    return opened.repo.objects.contents.encode(value)


def decoded(opened: Opened, octets: bytes) -> Any:
    """Return the value that somebody gave on the command line. Raises `ConfigError`."""
    try:
        return opened.repo.objects.contents.decode(octets)
    except ValueError as error:
        raise ConfigError(f"the value is no {opened.place.contents}: {error}") from None
