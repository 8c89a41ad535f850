"""Commits: a tree, where it came from, who made it and why."""

from __future__ import annotations

from typing import Generic, TypeVar

from fata.disk.git import commits
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import COMMIT, object_id
from fata.irmin.errors import CorruptObject
from fata.irmin.info import Info, message_octets, people
from fata.irmin.node import Node
from fata.irmin.objects import Objects
from fata.irmin.tree import Tree

T = TypeVar("T")


class Commit(Generic[T]):
    """A commit. Two are equal if their ids are."""

    __slots__ = ("_body", "_objects", "_root", "oid", "parents")

    def __init__(
        self, objects: Objects[T], oid: bytes, body: bytes, root: Node | None = None, parents: tuple[bytes, ...] = ()
    ) -> None:
        self._objects = objects
        self.oid = oid
        self._body = body
        if root is None:
            try:
                tree, parents, _ = commits.parse_links(body, objects.id_size)
            except Malformed as error:
                raise CorruptObject(oid, str(error)) from None
            root = Node(tree)
        self._root = root
        self.parents = parents  # ids

    @property
    def tree(self) -> Tree[T]:
        """The commit's tree."""
        return Tree(self._objects, self._root)

    @property
    def root(self) -> Node:
        """The tree as the store has it."""
        return self._root

    @property
    def info(self) -> Info:
        """Author, date and message. Raises `CorruptObject`."""
        fields = self.fields
        author = fields.author.who.decode("utf-8", "surrogateescape")
        committer = fields.committer.who.decode("utf-8", "surrogateescape")
        return Info(
            fields.message.decode("utf-8", "surrogateescape").removesuffix("\n"),
            author,
            fields.author.seconds,
            fields.author.zone.decode(),
            None if committer == author else committer,
        )

    @property
    def fields(self) -> commits.Commit:
        """All that the commit says. Raises `CorruptObject`."""
        try:
            return commits.parse(self._body, self._objects.id_size)
        except Malformed as error:
            raise CorruptObject(self.oid, str(error)) from None

    @property
    def hex(self) -> str:
        """The id as git prints it."""
        return self.oid.hex()

    def __eq__(self, other: object) -> bool:
        return self.oid == other.oid if isinstance(other, Commit) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.oid)

    def __repr__(self) -> str:
        return f"<Commit {self.hex[:10]}>"


def make(objects: Objects[T], root: Node, parents: tuple[bytes, ...], info: Info) -> tuple[Commit[T], bytes]:
    """Return a commit that is not written yet, and its body."""
    headers = people(info.author, info.committer, info.date, info.zone)
    body = commits.assemble(objects.hash(root), parents, headers, message_octets(info.message))
    return Commit(objects, object_id(COMMIT, body, objects.new), body, root, parents), body
