"""Keys: the values that a user gives when configuring, when booting, or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast, get_args, get_origin

from fata.config.value import INTEGER, SCALARS, TEXT, KeyType, Many, OneOf, Plain, admits
from fata.config.where import NOWHERE, Where, caller

T = TypeVar("T", bool, int, float, str, list[bool], list[int], list[float], list[str])  # none wider: see `key`
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)

Stage = Literal["configure", "boot", "both"]


class Required:
    """The absence of a default: the user must give the value."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = Required()

LAUNCHER_OPTIONS = frozenset(
    {
        *("help", "version", "logs"),  # every program's own
        *("target", "publish", "memory", "nic", "drive", "terminal", "file", "machine", "accel", "gdb", "debug"),
        *("snapshot", "fetch", "all"),
        *("net", "interface", "ipv4", "ipv4-gateway", "ipv6", "ipv6-gateway", "dhcp", "dns", "pcap", "stats"),
        *("reload", "pdb", "json", "format", "output", "quiet", "verbose", "config"),
    }
)
"""Long options that belong to the tool or to every program; no key may have such a name."""


class Value(Generic[T_co]):
    """Something that is known once the configure keys are: a key, or a function of one."""

    __slots__ = ()

    def map(self, function: Callable[[T_co], V]) -> Value[V]:
        """Return the value that `function` makes of this one."""
        return Mapped(self, function)


@dataclass(frozen=True, slots=True)
class Target(Value[str]):
    """The name of the target: "unix", "virtio" …"""


@dataclass(frozen=True, slots=True)
class Mapped(Value[V]):
    """A function of another value."""

    of: Value[Any]
    function: Callable[[Any], V]


@dataclass(frozen=True, slots=True)
class Key(Value[T_co]):
    """One value the user may give, by `--name`.

    Two keys are the same key when everything but the place agrees.
    """

    name: str
    type: KeyType
    default: Plain | Required = field(hash=False)  # it may be a list
    doc: str
    stage: Stage = "both"
    owner: str = ""  # whose parameter it is, where sharing would be wrong: a job, or a device with its arguments
    where: Where = field(default=NOWHERE, compare=False)
    launcher: bool = False  # one of LAUNCHER_OPTIONS, which only the catalog may have

    @property
    def configures(self) -> bool:
        """Whether its value may be needed before the program is written."""
        return self.stage != "boot"

    @property
    def boots(self) -> bool:
        """Whether the program reads it when it starts."""
        return self.stage != "configure"


def key(
    name: str,
    type_: type[T],
    /,
    *,
    default: T | Required = REQUIRED,
    choices: Sequence[T] | None = None,
    doc: str = "",
    stage: Stage = "both",
) -> Key[T]:
    """Declare a key: `key("kv", str, default="memory")` is the option `--kv`.

    Its type is `str`, `int`, `float`, `bool`, or `list[…]` of one of these. Without `default` the user
    must give it. With `choices` nothing else is accepted.
    """
    where = caller()
    key_type = _type_of(name, type_, choices, where)
    checked = cast(Plain | Required, default)
    if not isinstance(checked, Required) and not admits(key_type, checked):
        raise where.error(
            f"key {name!r}: the default {default!r} is not {key_type.describe()}",
            "Leave it out to make the key required.",
        )
    if stage not in get_args(Stage):
        raise where.error(f"key {name!r}: unknown stage {stage!r}", "Write stage='configure', 'boot' or 'both'.")
    result: Key[T] = Key(name, key_type, checked, doc, stage, where=where)
    check_name(result)
    return result


def prefixed(prefix: str | None, name: str) -> str:
    """Return the option's name for a parameter of a device or job: "root", "left-root"."""
    return (name if prefix is None else f"{prefix}-{name}").replace("_", "-")


def check_name(subject: Key[Any]) -> None:
    """Refuse a name that the command line could not carry, or that is taken by the tool."""
    plain = subject.name.replace("-", "")
    if not plain.isidentifier() or "_" in plain or subject.name != subject.name.lower().strip("-"):
        raise subject.where.error(
            f"key {subject.name!r}: not a name for an option", "Use lower-case letters, digits and '-'."
        )
    if not subject.launcher and subject.name.removeprefix("no-") in LAUNCHER_OPTIONS:
        raise subject.where.error(
            f"key {subject.name!r}: the name is reserved, --{subject.name} belongs to the fata command",
            "Choose another name; `fata help reserved` lists those that are taken.",
        )


def _type_of(name: str, wanted: Any, choices: Sequence[Any] | None, where: Where) -> KeyType:
    inner = get_args(wanted)[0] if get_origin(wanted) is list else wanted
    scalar = SCALARS.get(getattr(inner, "__name__", ""))
    if scalar is None:
        raise where.error(
            f"key {name!r}: {wanted!r} is not a type for a key", "Use str, int, float, bool, or list[…] of one."
        )
    if choices is not None and scalar not in (TEXT, INTEGER):
        raise where.error(f"key {name!r}: only texts and integers have choices", "Leave `choices` out.")
    if choices is not None and not (choices and all(admits(scalar, choice) for choice in choices)):
        raise where.error(f"key {name!r}: every choice must be {scalar.describe()}", "Write choices=[…] of that type.")
    base = scalar if choices is None else OneOf(tuple(choices))
    return base if inner is wanted else Many(base)
