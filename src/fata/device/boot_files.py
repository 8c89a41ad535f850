"""BootFiles: files that whoever starts the program gives it, and that are in no image: certificates, keys, secrets."""

from __future__ import annotations

from fata.device.protocol import Protocol


class BootFiles(Protocol):
    """What was given by `--file NAME=PATH`, alike on every target. They are read-only.

    Paths, not contents: OpenSSL takes certificates and keys from files alone.
    """

    def find(self, name: str) -> str | None:
        """Return where the file called `name` can be opened; None when it was not given."""
        ...

    def path(self, name: str) -> str:
        """Return the same. Raises `Unavailable`, with the option that gives it, when it was not given."""
        ...
