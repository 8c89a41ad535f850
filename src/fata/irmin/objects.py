"""A store's objects: what can be asked of them, and how trees are changed, hashed and saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from fata.disk.git.objects import BLOB, TREE, Object, object_id
from fata.disk.git.trees import DIRECTORY, NORMAL
from fata.disk.inode import INODE, WIDEST
from fata.irmin.node import Leaf, Node, empty, fold_edits, put
from fata.irmin.path import Steps
from fata.irmin.reading import Reading, forget
from fata.irmin.wide import saved

T = TypeVar("T")


class Objects(Reading[T]):
    """The objects of one store: nodes are read, changed, hashed and saved through it."""

    # Changing

    def put(self, root: Node, path: Steps, value: Node | Leaf | None) -> Node:
        """Return a tree with `value` at `path` (None: nothing there). Raises `Miss`.

        Directories are made as needed, and what stands in the way of one is replaced. A directory that loses its
        last entry goes, too. The path is not the root.
        """
        passed: list[Node] = []
        node = root
        for step in path[:-1]:
            passed.append(node)
            found = self.entry(node, step)
            if type(found) is Node:
                node = found
            elif value is None:
                return root
            else:
                node = empty()
        last = path[-1]
        if value is None and self.entry(node, last) is None:
            return root
        if node.wide is not None or self.wide is not None:
            self._prepare([*passed, node], path, value is None)
        new: Node | Leaf | None = value
        for step in reversed(path):
            if node.shape is None:
                self.shape(node)
            changed = node.changed()
            put(changed, step, new)
            new = None if value is None and passed and self.is_empty(changed) else changed
            node = passed.pop() if passed else node
        return changed

    def _prepare(self, nodes: list[Node], path: Steps, removing: bool) -> None:
        """See to it that wide directories along a path can be hashed without reading more. Raises `Miss`."""
        assert self.wide is not None
        for node, step in zip(nodes, path, strict=True):
            self.shape(node)
            if node.wide is not None:
                self.wide.prepare(node, step, removing)

    def put_all(self, root: Node, items: Iterable[tuple[Steps, Node | Leaf | None]]) -> Node:
        """Return a tree with all the values, at the cost of copying each touched directory once. Raises `Miss`."""
        self.shape(root)
        made: dict[Steps, Node] = {(): root.changed()}
        thinned = []
        for path, value in items:
            parent = path[:-1]
            node = made.get(parent) or self._open_for_edits(made, parent)
            if node.wide is not None:
                self._prepare([node], path[-1:], value is None)
            put(node, path[-1], value)
            if value is None:
                thinned.append(parent)
            if path in made:  # a directory that was changed a moment ago is replaced
                for stale in [known for known in made if known[: len(path)] == path]:
                    del made[stale]
        for path in thinned:
            while path and self.is_empty(made[path]):
                put(made[path[:-1]], path[-1], None)
                path = path[:-1]
        return made[()]

    def _open_for_edits(self, made: dict[Steps, Node], path: Steps) -> Node:
        """Copy the directories along `path` that are not copies of ours yet, and return the last."""
        node = made[()]
        for depth, step in enumerate(path, 1):
            found = self.entry(node, step)
            mine = made.get(path[:depth])
            if node.wide is not None:
                self._prepare([node], (step,), False)
            if mine is None or found is not mine:
                if type(found) is Node:
                    self.shape(found)
                    mine = found.changed()
                else:
                    mine = empty()
                put(node, step, mine)
                made[path[:depth]] = mine
            node = mine
        return node

    def is_empty(self, node: Node) -> bool:
        """Whether a directory has no entries. Raises `Miss`."""
        shape = self.shape(node)
        edits = node.edits
        if node.wide is not None:
            # A fork has more entries than a tree may have: few directories get here, and hashing tells.
            return len(edits or ()) > WIDEST and self.hash(node) == self.empty_id
        if not edits:
            return not shape
        if any(edit is not None for edit in edits.values()):
            return False
        return all(name in edits for name in shape) if len(edits) >= len(shape) else False

    def names(self, node: Node) -> list[bytes]:
        """Return a directory's names: in git's order, of a wide one in that of their octets. Raises `Miss`."""
        self.hash(node)
        shape = self.shape(node)
        if node.wide is None:
            return list(shape)
        return sorted(self.ids(node))

    def ids(self, node: Node) -> dict[bytes, tuple[bytes, bytes]]:
        """Return mode and id of every entry of a directory. Raises `Miss`."""
        self.hash(node)
        self.shape(node)
        if node.wide is not None:
            assert self.wide is not None
            return self.wide.ids(node)
        return self.ids_in(node)

    def differing(self, ours: Node, theirs: Node) -> list[bytes]:
        """Return the names at which two directories differ, sorted. Raises `Miss`."""
        self.hash(ours)
        self.hash(theirs)
        self.shape(ours)
        self.shape(theirs)
        if ours.wide is not None and theirs.wide is not None:
            assert self.wide is not None
            return self.wide.differing(ours, theirs)
        return sorted({name for name, _ in self.ids(ours).items() ^ self.ids(theirs).items()})

    def entries(self, node: Node, offset: int = 0, length: int | None = None) -> list[tuple[bytes, Node | Leaf]]:
        """Return a directory's names and what they stand for, in git's order. Raises `Miss`."""
        found = []
        for name in self.names(node)[offset : None if length is None else offset + length]:
            entry = self.entry(node, name)
            assert entry is not None
            found.append((name, entry))
        return found

    # Hashing and writing

    def hash(self, root: Node) -> bytes:
        """Return the id of a tree, without writing it. Raises `Miss` never: changed nodes have been read."""
        if root.oid is not None:
            return root.oid
        order = [root]
        for node in order:  # grows while it is walked
            for child in (node.edits or {}).values():
                if type(child) is Node and child.oid is None:
                    order.append(child)
        for node in reversed(order):
            if node.oid is None:
                self._hash_one(node)
        oid = order[0].oid
        assert oid is not None
        return oid

    def _hash_one(self, node: Node) -> None:
        edits = node.edits or {}
        entries: dict[bytes, tuple[bytes, bytes] | None] = {}
        for name, edit in edits.items():
            if type(edit) is tuple:
                mode, oid, body = edit
                if oid is None:
                    assert body is not None
                    oid = object_id(BLOB, body, self.new)
                    edits[name] = (mode, oid, body)
                entries[name] = (mode, oid)
            elif edit is None:
                entries[name] = None
            else:
                assert type(edit) is Node
                assert edit.oid is not None
                entries[name] = (DIRECTORY, edit.oid)
        shape = self.shape(node)
        if self.wide is not None and (node.wide is not None or len(shape) + len(entries) > WIDEST):
            node.oid = self.wide.fold(node, entries)
            return
        fold_edits(node, entries, self.id_size)
        assert node.base is not None
        node.oid = object_id(TREE, node.base, self.new)

    def unsaved(self, root: Node) -> tuple[dict[bytes, Object], list[Node]]:
        """Return the objects of a tree that are not in the store, and the nodes that hold them."""
        self.hash(root)
        objects: dict[bytes, Object] = {}
        nodes = [root] if root.edits is not None else []
        for node in nodes:  # grows while it is walked
            for edit in (node.edits or {}).values():
                if type(edit) is tuple:
                    if edit[2] is not None:
                        assert edit[1] is not None
                        objects[edit[1]] = (BLOB, edit[2])
                elif type(edit) is Node and edit.edits is not None:
                    nodes.append(edit)
            assert node.oid is not None
            assert node.base is not None
            objects[node.oid] = (TREE if node.wide is None else INODE, node.base)
            if node.wide is not None:
                objects.update(node.wide.fresh)
        return objects, nodes

    async def write(self, objects: Mapping[bytes, Object]) -> None:
        """Write objects, while nobody collects garbage."""
        await self.gate.enter()
        try:
            await self.backend.write(objects)
        finally:
            self.gate.leave()

    def saved(self, objects: Mapping[bytes, Object], nodes: Sequence[Node]) -> None:
        """Note that objects, and so what the nodes held, are in the store now."""
        for node in nodes:
            node.edits = None
        if self.wide is not None:
            saved(nodes)
        if self.keep is not forget:
            self.cache.keep_all(objects)

    def leaf(self, value: T, mode: bytes = NORMAL) -> Leaf:
        """Return contents that are not in the store yet."""
        return mode, None, self.contents.encode(value)
