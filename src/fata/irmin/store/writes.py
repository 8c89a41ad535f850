"""What can be done to a store. Each write is one commit, or none: nobody sees half of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar, Unpack

from fata.disk.git.objects import COMMIT
from fata.irmin.commit import Commit, make
from fata.irmin.errors import Conflict, CorruptObject, InvalidPath, MissingObject, TestFailed, TooManyRetries
from fata.irmin.history.changed import signature
from fata.irmin.merge.contract import known
from fata.irmin.merge.default import option
from fata.irmin.merge.rules import merge_at
from fata.irmin.node import Node, empty
from fata.irmin.path import Path, steps, texts
from fata.irmin.store.options import RETRIES, Options, Strategy
from fata.irmin.store.reads import Reads
from fata.irmin.tree import Tree

T = TypeVar("T")
P = TypeVar("P", bound=Path)

Change = Callable[[Tree[T]], Awaitable[Tree[T]]]


class Writes(Reads[T]):
    """The writing half of a store. Writes return their commit, or None when there was nothing to change."""

    async def set(self, path: Path, value: T, **options: Unpack[Options]) -> Commit[T] | None:
        """Put a value at a path."""

        async def change(tree: Tree[T]) -> Tree[T]:
            return await tree.add(path, value)

        return await self._change_blindly(change, options)

    async def set_all(
        self, values: Mapping[P, T] | Iterable[tuple[Path, T]], **options: Unpack[Options]
    ) -> Commit[T] | None:
        """Put many values at their paths, in one commit."""
        items: list[tuple[Path, T]] = [*(values.items() if isinstance(values, Mapping) else values)]

        async def change(tree: Tree[T]) -> Tree[T]:
            return await tree.add_all(items)

        return await self._change_blindly(change, options)

    async def set_tree(self, path: Path, tree: Tree[T], **options: Unpack[Options]) -> Commit[T] | None:
        """Put a tree at a path."""

        async def change(before: Tree[T]) -> Tree[T]:
            return await before.add_tree(path, tree)

        return await self._change_blindly(change, options)

    async def remove(self, path: Path, **options: Unpack[Options]) -> Commit[T] | None:
        """Remove what is at a path."""

        async def change(tree: Tree[T]) -> Tree[T]:
            return await tree.remove(path)

        return await self._change_blindly(change, options)

    async def test_and_set(
        self, path: Path, test: T | None, value: T | None, **options: Unpack[Options]
    ) -> Commit[T] | None:
        """If the contents at a path equal `test` (None: there are none) make them `value`. Raises `TestFailed`."""

        async def change(tree: Tree[T]) -> Tree[T]:
            found = await tree.find(path)
            if found != test:
                raise TestFailed(repr(path), found)
            return await (tree.remove(path) if value is None else tree.add(path, value))

        return await self.change(change, **options)

    async def test_and_set_tree(
        self, path: Path, test: Tree[T] | None, tree: Tree[T] | None, **options: Unpack[Options]
    ) -> Commit[T] | None:
        """If the tree at a path equals `test` (None: there is none) make it `tree`. Raises `TestFailed`."""

        async def change(before: Tree[T]) -> Tree[T]:
            found = await before.find_tree(path)
            if (found and found.hash()) != (test and test.hash()):
                raise TestFailed(repr(path), found)
            return await (before.remove(path) if tree is None else before.add_tree(path, tree))

        return await self.change(change, **options)

    async def test_set_and_get(
        self, path: Path, test: T | None, value: T | None, **options: Unpack[Options]
    ) -> Commit[T] | None:
        """As `test_and_set`; where nothing changes the head is returned instead of None."""
        return await self.test_and_set(path, test, value, **options) or await self.commit()

    async def merge(self, path: Path, base: T | None, value: T | None, **options: Unpack[Options]) -> Commit[T] | None:
        """Merge `value`, which was made from `base`, into what is at the path now. Raises `Conflict`."""

        async def change(tree: Tree[T]) -> Tree[T]:
            found = await tree.find(path)
            try:
                merge = merge_at(self.repo.objects.contents.merge, path)
                merged = await option(merge)(known(base), found, value)
            except Conflict as conflict:
                raise conflict.at(*texts(steps(path))) from None
            return await (tree.remove(path) if merged is None else tree.add(path, merged))

        return await self.change(change, **options)

    async def with_tree(
        self, path: Path, change: Change[T], strategy: Strategy = "test_and_set", **options: Unpack[Options]
    ) -> Commit[T] | None:
        """Replace the tree at a path by what `change` makes of it.

        What if somebody else changed that tree meanwhile? "set" overwrites it, "test_and_set" starts again,
        "merge" merges the two and raises `Conflict` if it cannot.
        """
        first = await self.tree()
        before = await first.find_tree(path) or Tree(self.repo.objects)
        after = await change(before)

        async def again(tree: Tree[T]) -> Tree[T]:
            now = await tree.find_tree(path) or Tree(self.repo.objects)
            new = after
            if strategy != "set" and now.hash() != before.hash():
                new = await (change(now) if strategy == "test_and_set" else self._merged(path, before, now, after))
            return await (tree.remove(path) if new.is_empty() and steps(path) else tree.add_tree(path, new))

        return await self.change(again, **options)

    async def _merged(self, path: Path, base: Tree[T], ours: Tree[T], theirs: Tree[T]) -> Tree[T]:
        try:
            return await ours.merge(base, theirs)
        except Conflict as conflict:
            raise conflict.at(*texts(steps(path))) from None

    async def change(self, change: Change[T], **options: Unpack[Options]) -> Commit[T] | None:
        """Commit what `change` makes of the tree, starting again when the head has moved. Raises `TooManyRetries`."""
        retries = options.get("retries", RETRIES)
        for _ in range(retries + 1):
            head = await self.commit()
            tree = await self._changed(head, change, options)
            if tree is None:
                return None
            commit = await self._commit(head, tree, options)
            if commit is not None:
                return commit
        raise TooManyRetries(str(self.target), retries + 1)

    async def _change_blindly(self, change: Change[T], options: Options) -> Commit[T] | None:
        """As `change`, where `change` raises nothing, whatever the tree is: no need to look first if it has changed."""
        head, self._made = self._made, None
        if head is not None:
            try:
                tree = await self._changed(head, change, options)
                commit = None if tree is None else await self._commit(head, tree, options)
                if commit is not None:
                    return commit
            except (CorruptObject, MissingObject):
                pass  # perhaps of a history that has been given up and collected
        return await self.change(change, **options)

    async def _changed(self, head: Commit[T] | None, change: Change[T], options: Options) -> Node | None:
        """Return the tree that is to be committed; None if there is nothing to change."""
        before = Tree(self.repo.objects, empty() if head is None else head.root)
        after = await change(before)
        root = after.root
        if type(root) is not Node:
            raise InvalidPath("the root of a store is a directory: contents need a path")
        if not options.get("allow_empty") and (root is before.root or after.hash() == before.hash()):
            return None
        return root

    async def _commit(self, head: Commit[T] | None, root: Node, options: Options) -> Commit[T] | None:
        """Write a commit and move the head to it; None if the head is another by now."""
        gate = self.repo.objects.gate
        if gate.closed:
            await gate.enter()
        else:
            gate.inside += 1
        try:
            return await self._commit_inside(head, root, options)
        finally:
            gate.leave()

    async def _commit_inside(self, head: Commit[T] | None, root: Node, options: Options) -> Commit[T] | None:
        repo = self.repo
        old = None if head is None else head.oid
        parents = options.get("parents")
        if parents is None:
            parents = () if old is None else (old,)
        changed = signature(repo.objects, None if head is None else head.root, root) if len(parents) < 2 else None
        objects, nodes = repo.objects.unsaved(root)
        commit, body = make(repo.objects, root, parents, repo.info(options))
        objects[commit.oid] = (COMMIT, body)
        if not await self.target.move(old, commit.oid, objects):
            return None
        repo.objects.saved(objects, nodes)
        repo.commits.remember(commit)
        repo.commits.graph.add(commit.oid, parents, changed)
        self._made = commit
        return commit
