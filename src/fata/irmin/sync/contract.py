"""What a remote repository is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from fata.irmin.backend.contract import RefChange
from fata.irmin.repo import Repo

Progress = Callable[[str], None]  # what is being done, for people: "receiving objects: 31 % (311/1000)"


class Remote(Protocol):
    """A repository that objects and references come from and go to. All methods raise `RemoteError`."""

    @property
    def url(self) -> str:
        """What to call it in messages."""
        ...

    async def refs(self, prefix: str = "refs/") -> dict[str, bytes]:
        """Return its references and what they point to."""
        ...

    async def default_branch(self) -> str:
        """Return what its HEAD names."""
        ...

    async def fetch(self, repo: Repo[Any], wants: Iterable[bytes], depth: int | None, progress: Progress) -> None:
        """Bring objects, and all that they lead to, into `repo`, whose references stay as they are.

        `depth`: how many commits deep; None: all. What comes is checked: ids, and that nothing is missing.
        """
        ...

    async def push(self, repo: Repo[Any], changes: Iterable[RefChange], progress: Progress) -> None:
        """Take objects from `repo` and change references by test-and-set, all or none. Raises `PushRejected`."""
        ...


def silent(_what: str) -> None:
    """Show no progress."""
