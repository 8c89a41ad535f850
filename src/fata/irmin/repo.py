"""A repository: objects and branches over one backend, and the stores that look at them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Generic, Literal, TypeVar

from fata.disk.git.objects import Hash
from fata.errors import StateError
from fata.irmin.backend.contract import Backend
from fata.irmin.check import Problem, check
from fata.irmin.collect import Collected, collect
from fata.irmin.commit import Commit
from fata.irmin.commits import Commits
from fata.irmin.concrete import Concrete, of_concrete
from fata.irmin.contents.contract import Contents
from fata.irmin.errors import BadProof
from fata.irmin.history.dot import to_dot, to_svg
from fata.irmin.history.walk import history
from fata.irmin.info import ANONYMOUS, Info
from fata.irmin.objects import Objects
from fata.irmin.proof import Computation, Proof, produce, verify
from fata.irmin.refname import BRANCHES
from fata.irmin.store.branches import Branches
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store
from fata.irmin.store.target import BranchTarget, DetachedTarget
from fata.irmin.tree import Tree

T = TypeVar("T")
R = TypeVar("R")

HashName = Literal["sha1", "sha256", "blake2b"]
HASHES: dict[HashName, Hash] = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "blake2b": lambda octets: hashlib.blake2b(octets, digest_size=32),
}


class Repo(Generic[T]):
    """Objects and branches.

    `hash` "sha1" is git, octet for octet. The others are formats of our own, which git cannot clone: directories of
    any width cost O(log n) a change there. Raises `StateError` for one of those in a git directory.
    """

    def __init__(
        self,
        backend: Backend,
        contents: Contents[T],
        *,
        hash: HashName = "sha1",  # noqa: A002 – the field's word
        author: str = ANONYMOUS,
        now: Callable[[], float] = time.time,
    ) -> None:
        if hash not in HASHES:
            raise StateError(f"there is no hash {hash!r}; there are {', '.join(HASHES)}")
        if hash != "sha1" and backend.capabilities.git:
            raise StateError(f"a git directory has objects of git's: with {hash} nothing could be cloned; use sha1")
        self.backend = backend
        self.objects = Objects(backend, contents, HASHES[hash], inodes=hash != "sha1")
        self.commits = Commits(self.objects)
        self.branches = Branches(backend, self.commits)
        self.author = author
        self._now = now

    async def main(self) -> Store[T]:
        """Return the store on the default branch."""
        return self.of_branch(await self.backend.default_branch())

    def of_branch(self, branch: str) -> Store[T]:
        """Return the store on a branch, which need not exist yet. Raises `InvalidName`."""
        return Store(self, BranchTarget(self.backend, branch), branch)

    def of_commit(self, commit: Commit[T]) -> Store[T]:
        """Return a store with a head of its own, that starts at a commit."""
        return Store(self, DetachedTarget(self.backend, commit.oid), None)

    def empty(self) -> Store[T]:
        """Return a store with a head of its own and nothing in it."""
        return Store(self, DetachedTarget(self.backend, None), None)

    async def commit(self, oid: bytes | str) -> Commit[T]:
        """Return a commit by its id. Raises `MissingObject`, `CorruptObject`."""
        return await self.commits.commit(bytes.fromhex(oid) if isinstance(oid, str) else oid)

    def tree(self) -> Tree[T]:
        """Return the empty tree, to be added to."""
        return Tree(self.objects)

    async def tree_of(self, concrete: Concrete) -> Tree[T]:
        """Return the tree of dicts whose leaves are `Value`. Raises `InvalidPath`, `WrongKind`."""
        return Tree(self.objects, await of_concrete(self.objects, concrete))

    async def heads(self) -> list[Commit[T]]:
        """Return what the branches point to, each commit once."""
        oids = dict.fromkeys((await self.backend.refs(BRANCHES)).values())
        return [await self.commits.commit(oid) for oid in oids]

    async def picture(self, form: Literal["dot", "svg"] = "dot", depth: int | None = None) -> str:
        """Return the graph of all branches: in DOT, or as SVG."""
        heads = await self.branches.heads()
        found = await history(self.commits, [commit.oid for _, commit in heads], depth=depth)
        names: dict[Commit[T], list[str]] = {}
        for name, commit in heads:
            names.setdefault(commit, []).append(name)
        return (to_dot if form == "dot" else to_svg)(found, names)

    async def collect(self, depth: int | None = None) -> Collected:
        """Forget what no reference leads to, and history more than `depth` commits deep."""
        return await collect(self, depth)

    def check(self, decode: bool = False) -> AsyncIterator[Problem]:
        """Yield what is wrong with the repository: `async for problem in repo.check()`."""
        return check(self, decode)

    async def produce_proof(self, tree: Tree[T], computation: Computation[T, R]) -> tuple[Proof, R]:
        """Run a computation on a stored tree; return the proof of it, and what it returned beside the new tree."""
        return await produce(tree, computation)

    async def verify_proof(self, proof: Proof, before: bytes, computation: Computation[T, R]) -> tuple[Tree[T], R]:
        """Run a computation on what a proof has of the tree whose id is `before`, which the caller trusts.

        Nothing of the tree has to be in this repository. Returns the new tree and the result. Raises `BadProof`.
        """
        if proof.before != before:
            raise BadProof(f"the proof is of the tree {proof.before.hex()}, not of {before.hex()}")
        return await verify(proof, computation, self.objects)

    def info(self, options: Options) -> Info:
        """Return the info of a commit that is made now."""
        info = options.get("info")
        if info is not None:
            return info
        return Info(options.get("message", ""), options.get("author", self.author), int(self._now()))

    async def close(self) -> None:
        """Give back what the backend holds."""
        await self.backend.close()
