"""An object whose coroutines are driven to their end, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from inspect import iscoroutine
from threading import RLock
from types import TracebackType
from typing import Any, Generic, TypeVar

from fata.errors import StateError

T = TypeVar("T")

ADVICE = "it waits for something, which only a program with an event loop can do: await it there"


def call(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result. One that does is a `StateError` at that await."""
    try:
        coroutine.send(None)
        coroutine.throw(StateError(ADVICE))
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()  # it caught the StateError and suspended once more
    raise StateError(ADVICE)


class Blocking(Generic[T]):
    """The methods of `inner` without `await`, for any number of threads.

    Threads take turns at each call, under one lock (that of another Blocking, if it is given: a store and its disk
    belong together). What is not a coroutine comes as it is. As a context manager it closes `inner` at the end.
    """

    def __init__(self, inner: T, lock: RLock | None = None) -> None:
        self.inner = inner
        self.lock: Any = RLock() if lock is None else lock
        self._methods: dict[str, Callable[..., Any]] = {}

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end, in turn."""
        with self.lock:
            return call(coroutine)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        attribute = getattr(self.inner, name)
        if not callable(attribute):
            return attribute
        known = self._methods.get(name)
        if known is None:
            known = self._methods[name] = self._blocking(attribute)
        return known

    def _blocking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def blocking(*arguments: object, **options: object) -> Any:
            with self.lock:
                answer = method(*arguments, **options)
                return call(answer) if iscoroutine(answer) else answer

        blocking.__name__ = getattr(method, "__name__", "method")
        blocking.__doc__ = method.__doc__
        return blocking

    def __enter__(self) -> Blocking[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        close = getattr(self.inner, "close", None)
        if close is not None:
            self._blocking(close)()
