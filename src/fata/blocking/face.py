"""An object whose coroutine methods are plain ones.

Everything that comes out and has coroutines of its own (a store from a repository, a tree from a store) gets such a
face as well; what goes in loses it. Coroutines run one at a time, under a lock that all faces of one object share:
threads may use them, and see each operation whole.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterator
from functools import lru_cache
from typing import Any, cast

from fata.blocking.drive import drive


def blocking(thing: object) -> Any:
    """Return the synchronous face of a store, a repository, a tree. Its type is Any: mypy cannot express it."""
    return Face(thing, threading.RLock())


class Face:
    """See the module. Attributes and methods are the object's own."""

    def __init__(self, thing: object, lock: threading.RLock) -> None:
        self._thing = thing
        self._lock = lock

    def __getattr__(self, name: str) -> Any:
        return self._faced(getattr(self._thing, name))

    def _faced(self, found: Any) -> Any:
        """Return what is found, ready for a caller that cannot await."""
        if inspect.ismethod(found) or inspect.isfunction(found):
            return self._plain(found)
        if isinstance(found, tuple) and type(found) is tuple:
            return tuple(self._faced(each) for each in found)
        if type(found) is list:
            return [self._faced(each) for each in found]
        if type(found) is dict:
            return {self._faced(key): self._faced(value) for key, value in found.items()}
        if isinstance(found, tuple) and type(found).__module__.startswith("fata.irmin"):  # a change, a history
            return type(found)(*(self._faced(each) for each in found))
        return Face(found, self._lock) if _has_coroutines(cast(Hashable, type(found))) else found

    def _plain(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                result = method(
                    *(_bare(each) for each in arguments), **{name: _bare(each) for name, each in options.items()}
                )
                if inspect.iscoroutine(result):
                    result = drive(result)
            plain = isinstance(result, AsyncIterator) and not hasattr(result, "__aenter__")  # a watch is entered first
            return self._each(result) if plain else self._faced(result)

        return call

    def _each(self, iterator: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                with self._lock:
                    found = drive(_next(iterator))
            except StopAsyncIteration:
                return
            yield self._faced(found)

    def __iter__(self) -> Iterator[Any]:
        return self._each(self._thing.__aiter__())  # type: ignore[attr-defined]

    def __enter__(self) -> Any:
        return self._plain(self._thing.__aenter__)()  # type: ignore[attr-defined]

    def __exit__(self, *error: object) -> Any:
        return self._plain(self._thing.__aexit__)(*error)  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        return bool(self._thing == _bare(other))

    def __hash__(self) -> int:
        return hash(self._thing)

    def __repr__(self) -> str:
        return f"blocking({self._thing!r})"


def _bare(thing: Any) -> Any:
    return thing._thing if isinstance(thing, Face) else thing


def _next(iterator: AsyncIterator[Any]) -> Coroutine[Any, Any, Any]:
    async def following() -> Any:
        return await anext(iterator)

    return following()


@lru_cache
def _has_coroutines(kind: Hashable) -> bool:
    """Whether a class of ours has methods that want to be awaited, or leads to such: a commit has a tree."""
    if not isinstance(kind, type) or not kind.__module__.startswith("fata."):
        return False
    if kind.__name__ == "Commit":
        return True
    return any(inspect.iscoroutinefunction(getattr(kind, name, None)) for name in dir(kind))
