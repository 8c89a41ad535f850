"""Boot-time files of a process: they stay where they are."""

from __future__ import annotations

from fata.driver.boot_files.refusal import not_given
from fata.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class GivenFiles:
    """Files by name, from words "NAME=PATH". Raises ConfigError for any other word, and for a name given twice."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        self._paths: dict[str, str] = {}
        for word in files:
            name, equals, path = word.partition("=")
            if not (name and equals and path):
                raise ConfigError(f"--file {word}: not a name and a path", remedy="Write --file NAME=PATH.")
            if name in self._paths:
                raise ConfigError(f"--file {word}: there is a file {name} already", remedy="Give each name once.")
            self._paths[name] = path

    def find(self, name: str) -> str | None:
        return self._paths.get(name)

    def path(self, name: str) -> str:
        return self.find(name) or not_given(name)
