"""Devices that do not exist yet: what config.py passes around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from fata.config.keys import Key, Value
from fata.config.value import TEXT, Plain, is_plain, serves
from fata.config.where import NOWHERE, Where, caller

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
    with the contract of each. `loop` is the dotted name of a function that makes the event loop, for a device that
    asyncio's own loop does not serve.
    """

    kind: str
    contract: type
    implementation: Mapping[str, str] = field(hash=False)
    doc: str
    needs: Mapping[str, type] = field(default_factory=dict, hash=False)
    loop: str | None = None

    def on(self, target: str) -> str | None:
        """Return the dotted name for a target; None when the device does not exist there."""
        return self.implementation.get(target, self.implementation.get(ANY_TARGET))


class HostPath(NamedTuple):
    """A path on the machine that runs the program; in config.py relative to config.py."""

    text: str | Key[str]


class Asset(NamedTuple):
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
    arguments: tuple[tuple[str, Argument], ...] = field(hash=False)  # there may be lists among them
    name: str | None
    where: Where = field(default=NOWHERE, compare=False)

    @property
    def label(self) -> str:
        """The entry's kind, and the name if it has one: "crunch site"."""
        return self.entry.kind if self.name is None else f"{self.entry.kind} {self.name}"

    @property
    def offers(self) -> type:
        """The contract that it keeps."""
        return self.entry.contract


@dataclass(frozen=True, slots=True)
class Default(Impl[T_co]):
    """Whatever the target offers for a contract."""

    contract: type  # not type[T_co]: a type checker takes no Protocol for that
    where: Where = field(default=NOWHERE, compare=False)

    @property
    def label(self) -> str:
        """What it is called in a message."""
        return f"the target's {self.contract.__name__}"

    @property
    def offers(self) -> type:
        """The contract that it keeps, at least."""
        return self.contract


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
    for argument in arguments.values():
        _check_argument(argument, entry.kind, where)
    for parameter, contract in entry.needs.items():
        check_wiring(arguments[parameter], contract, f"{entry.kind}({parameter}=…)", where)
    return Device(entry, tuple(sorted(arguments.items())), name, where)


def _check_argument(argument: object, kind: str, where: Where) -> None:
    """Refuse what no device can be made with; what a device takes besides is left to the type checker."""
    if isinstance(argument, HostPath | Asset):
        path: object = argument.text if isinstance(argument, HostPath) else argument.source
        if not isinstance(path, str) and not (isinstance(path, Key) and serves(path.type, TEXT)):
            raise where.error(f"{kind}: {path!r} is no path", "Write a text, or a key of type str.")
    elif not isinstance(argument, Impl | Key) and not is_plain(argument):
        raise where.error(
            f"{kind}: {argument!r} is no argument for a device", "Write a plain value, a key or a device."
        )


def check_wiring(argument: object, contract: type, place: str, where: Where) -> None:
    """Refuse anything but a device (or every branch of a choice) that satisfies `contract`."""
    if isinstance(argument, Choice):
        for branch in argument.all():
            check_wiring(branch, contract, place, where)
        return
    if not isinstance(argument, Device | Default):
        raise where.error(
            f"{place} needs a {contract.__name__}, and {argument!r} is no device",
            "Pass a device; `fata help devices` lists them.",
        )
    if contract not in argument.offers.__mro__:
        wanted, has = contract.__name__, argument.offers.__name__
        raise where.error(
            f"{place} needs a {wanted}, and {argument.label} (line {argument.where.line}) is a {has}",
            f"Wire a device that is a {wanted}; `fata help devices` lists them.",
        )


def if_(condition: Value[bool], then: Impl[T], otherwise: Impl[T]) -> Impl[T]:
    """Choose a device by a key: `if_(key("tls", bool, …), a, b)`."""
    return _choice("if_", condition, ((True, then), (False, otherwise)), None)


def match(value: Value[V], branches: Mapping[V, Impl[T]], default: Impl[T] | None = None) -> Impl[T]:
    """Choose a device by a key's value. Without `default`, a value that is not listed is a ConfigError."""
    pairs: Any = tuple(branches.items())
    return _choice("match", value, pairs, default)


def _choice(
    call: str, value: Value[Any], branches: tuple[tuple[Plain, Impl[T]], ...], default: Impl[T] | None
) -> Impl[T]:
    choice: Choice[T] = Choice(value, branches, default, caller())
    condition: object = value
    if not isinstance(condition, Value):
        raise choice.where.error(
            f"{call}: {condition!r} is known already", "Choose by a key, `target`, or what `map` makes of one."
        )
    for branch in choice.all():
        each: object = branch
        if not isinstance(each, Impl):
            raise choice.where.error(f"{call}: {each!r} is no device", "`fata help devices` lists them.")
    return choice
