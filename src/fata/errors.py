"""The root exception and its kinds: each answers "whose fault is it, and what now?"."""

from __future__ import annotations


class FataError(Exception):
    """Anything this project raises on purpose."""


class WireError(FataError):
    """The peer's fault: bytes that break a protocol. Drop them and count; never fatal."""


class DeviceError(FataError):
    """The world's fault: a device or the host refused or failed. Retry or give up."""


class Unavailable(DeviceError):
    """What the user named is not there, is taken, or may not be used: a path, a port, an interface.

    A program that ends by it tells `str(error)` without a traceback and exits with status 2.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason, remedy)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return self.reason + (f"\n  {self.remedy}" if self.remedy else "")


class StateError(FataError):
    """The caller's fault: an operation that the object's state or its contract forbids; a bug."""


class ConfigError(FataError):
    """The user's fault: a mistake in a configuration, an argument or an application's signature.

    `file` and `line` (counted from 1) say where, `reason` what is wrong, `remedy` what to do about it.
    The tool prints `str(error)` and exits with status 2.
    """

    def __init__(self, reason: str, *, remedy: str = "", file: str | None = None, line: int | None = None) -> None:
        super().__init__(reason, remedy, file, line)
        self.reason = reason
        self.remedy = remedy
        self.file = file
        self.line = line

    def __str__(self) -> str:
        place = ""
        if self.file is not None:
            place = f"{self.file}:{self.line}: " if self.line is not None else f"{self.file}: "
        return f"{place}{self.reason}" + (f"\n  {self.remedy}" if self.remedy else "")
