"""What the containers have in common: a value at a path of a store, read or replaced in one commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from fata.irmin.commit import Commit
from fata.irmin.path import Path
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store
from fata.irmin.tree import Tree

T = TypeVar("T")


class Container(Generic[T]):
    """One value at a path. Two tasks that change it at the same time both get their way, one after the other."""

    def __init__(self, store: Store[T], path: Path) -> None:
        self.store = store
        self.path = path

    async def _replace(self, change: Callable[[T | None], T], options: Options) -> Commit[T] | None:
        """Commit what `change` makes of the present value (None: there is none)."""

        async def changed(tree: Tree[T]) -> Tree[T]:
            return await tree.add(self.path, change(await tree.find(self.path)))

        return await self.store.change(changed, **options)
