"""Who wants to know of changed references."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fata.irmin.backend.contract import Listener, RefChange


class Listeners:
    """Functions that are told of each change, in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener`, too; what is returned ends that, and may be called again."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def tell(self, changes: Iterable[RefChange]) -> None:
        """Tell all of what did change."""
        if self._listeners:
            for change in changes:
                if change.old != change.new:
                    for listener in tuple(self._listeners):
                        listener(change)

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def close(self) -> None:
        """Tell nobody any more."""
        self._listeners.clear()
