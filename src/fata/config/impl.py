"""Devices that do not exist yet: what config.py passes around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fata.config.keys import Key, Value
from fata.config.value import Plain
from fata.config.where import NOWHERE, Where, caller
from fata.errors import ConfigError

T = TypeVar("T")
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)

ANY_TARGET = "*"


class Impl(Generic[T_co]):
    """A device of contract `T`, to be made when the program starts. Equal means the same device."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the catalog.

    `implementation` maps a target's name ("*" for every other) to a dotted name: a class that is called,
    or a coroutine function, whose name begins with `open_`. `needs` are the parameters that take devices,
    with the contract of each.
    """

    kind: str
    contract: type
    implementation: Mapping[str, str] = field(hash=False)
    doc: str
    needs: Mapping[str, type] = field(default_factory=dict, hash=False)

    def on(self, target: str) -> str | None:
        """Return the dotted name for a target; None when the device does not exist there."""
        return self.implementation.get(target, self.implementation.get(ANY_TARGET))


@dataclass(frozen=True, slots=True)
class HostPath:
    """A path on the machine that runs the program; in config.py relative to config.py."""

    text: str | Key[str]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the image that is made when it is built: `prepare(source, output)` writes it.

    `prepare` is a dotted name; `source` is a path, in config.py relative to config.py, or a key of stage configure.
    """

    prepare: str
    source: str | Key[str]
    suffix: str


Argument = Impl[Any] | Key[Any] | HostPath | Asset | Plain


@dataclass(frozen=True, slots=True)
class Device(Impl[T_co]):
    """A catalog entry with its arguments."""

    entry: Entry
    arguments: tuple[tuple[str, Argument], ...]
    name: str | None
    where: Where = field(default=NOWHERE, compare=False)

    @property
    def label(self) -> str:
        """The entry's kind, and the name if it has one: "crunch site"."""
        return self.entry.kind if self.name is None else f"{self.entry.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Default(Impl[T_co]):
    """Whatever the target offers for a contract."""

    contract: type[T_co]
    where: Where = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Choice(Impl[T_co]):
    """One of several devices, once a value is known."""

    value: Value[Any]
    branches: tuple[tuple[Plain, Impl[T_co]], ...]
    default: Impl[T_co] | None
    where: Where = field(default=NOWHERE, compare=False)

    def all(self) -> Iterator[Impl[T_co]]:
        """Return every device it could become."""
        yield from (branch for _, branch in self.branches)
        if self.default is not None:
            yield self.default


def device(entry: Entry, *, name: str | None = None, **arguments: Argument) -> Any:
    """Make a device of a catalog entry; the catalog's functions give it its type.

    `name` tells a second device of a kind from the first, and prefixes its keys. Wrong wiring is a
    ConfigError at the line of config.py.
    """
    where = caller()
    if name is not None and not (name.isidentifier() and name == name.lower()):
        raise where.error(f"{entry.kind}: name={name!r} is not a name", "Use lower-case letters, digits and '_'.")
    for parameter, contract in entry.needs.items():
        check_wiring(arguments[parameter], contract, f"{entry.kind}({parameter}=…)", where)
    return Device(entry, tuple(sorted(arguments.items())), name, where)


def check_wiring(argument: object, contract: type, place: str, where: Where) -> None:
    """Refuse anything but a device (or every branch of a choice) that satisfies `contract`."""
    if isinstance(argument, Default):
        return
    if isinstance(argument, Choice):
        for branch in argument.all():
            check_wiring(branch, contract, place, where)
        return
    if not isinstance(argument, Device):
        raise where.error(
            f"{place} needs a {contract.__name__}, and {argument!r} is no device",
            "Pass a device; `fata help devices` lists them.",
        )
    if contract not in argument.entry.contract.__mro__:
        raise mismatch(argument, contract.__name__, place, where)


def mismatch(given: Device[Any], wanted: str, place: str, where: Where) -> ConfigError:
    """Say that a device of another contract was wired."""
    return where.error(
        f"{place} needs a {wanted}, and {given.label} (line {given.where.line}) is a {given.entry.contract.__name__}",
        f"Wire a device that is a {wanted}; `fata help devices` lists them.",
    )


def if_(condition: Value[bool], then: Impl[T], otherwise: Impl[T]) -> Impl[T]:
    """Choose a device by a key: `if_(key("tls", bool, …), a, b)`."""
    return Choice(condition, ((True, then),), otherwise, caller())


def match(value: Value[V], branches: Mapping[V, Impl[T]], default: Impl[T] | None = None) -> Impl[T]:
    """Choose a device by a key's value. Without `default`, a value that is not listed is a ConfigError."""
    pairs: Any = tuple(branches.items())
    return Choice(value, pairs, default, caller())
