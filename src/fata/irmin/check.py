"""Checking a repository: everything that references lead to is read, hashed and parsed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

from fata.disk.git import commits
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, COMMIT, TREE
from fata.disk.git.trees import in_order, parse
from fata.irmin.backend.contract import Shallow
from fata.irmin.errors import IrminError
from fata.irmin.history.reachable import Links, links_of
from fata.irmin.objects import Objects

if TYPE_CHECKING:
    from fata.irmin.repo import Repo


class Problem(NamedTuple):
    """What is wrong with an object or reference; `user` is what leads to it: a reference, or an id in hexadecimal."""

    what: str
    user: str
    reason: str


async def check(repo: Repo[Any], decode: bool = False) -> AsyncIterator[Problem]:
    """Yield what is wrong. With `decode` contents must also be values of the repository's type."""
    backend = repo.backend
    try:
        refs = await backend.refs("refs/")
    except IrminError as error:
        yield Problem("references", "", str(error))
        return
    cut = await backend.shallow() if isinstance(backend, Shallow) else set()
    seen = set(refs.values())
    work: list[tuple[bytes, bytes | None, str]] = [(oid, None, name) for name, oid in refs.items()]
    while work:
        oid, kind, user = work.pop()
        try:
            links = await _check_one(repo.objects, oid, kind, decode)
        except (IrminError, Malformed, ValueError) as error:
            yield Problem(oid.hex(), user, str(error))
            continue
        below = [*links.others, *((parent, COMMIT) for parent in links.parents if oid not in cut)]
        for each, wanted in below:
            if each not in seen:
                seen.add(each)
                work.append((each, wanted, oid.hex()))


async def _check_one(objects: Objects[Any], oid: bytes, kind: bytes | None, decode: bool) -> Links:
    """Read an object past all caches; return what it refers to. Raises IrminError, `Malformed`, ValueError."""
    found = await objects.read_any(oid, kind)
    links = links_of(oid, found, objects.id_size)
    if found[0] == COMMIT:
        commits.parse(found[1], objects.id_size)
    elif found[0] == TREE and not in_order(parse(found[1], objects.id_size)):
        raise Malformed("tree: its entries are not in git's order")
    elif found[0] == BLOB and decode:
        objects.contents.decode(found[1])
    return links
