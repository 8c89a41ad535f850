"""Boot-time files of a machine: its boot loader has brought them, and the kernel shows them in a folder."""

from __future__ import annotations

import os

from fata.driver.boot_files.refusal import not_given

FOLDER = "/boot"  # docs/spec/boot.md, "Files"


class BootFolder:
    """The files of a folder, by name."""

    def __init__(self, folder: str = FOLDER) -> None:
        self._folder = folder

    def find(self, name: str) -> str | None:
        path = f"{self._folder}/{name}"
        return path if os.path.isfile(path) else None

    def path(self, name: str) -> str:
        return self.find(name) or not_given(name)
