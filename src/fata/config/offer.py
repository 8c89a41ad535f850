"""The catalog: which devices there are, and which a target gives by default."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from fata.config.entry_points import entry_points
from fata.config.impl import Choice, Default, Device, Entry, Impl
from fata.config.keys import Key
from fata.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "fata.devices"  # the entry point group through which others add theirs


class Offer(NamedTuple):
    """What one catalog file brings.

    `make` is the function that config.py calls. `default` makes the device that a parameter of its
    contract gets when nothing is wired; `from_path` the one that it gets from an option with a path.
    """

    make: Callable[..., Impl[Any]]
    entry: Entry
    default: Callable[[], Impl[Any]] | None = None
    from_path: Callable[[Key[str]], Impl[Any]] | None = None


class Catalog:
    """All offers, in the order in which they are asked."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self.offers = tuple(offers)

    def default(self, contract: str, target: str) -> Impl[Any] | None:
        """Return the target's default device for a contract by its full name; None when it has none."""
        for offer in self.offers:
            there = offer.entry.on(target) is not None
            if offer.default is not None and there and provides(offer.entry.contract, contract):
                return offer.default()
        return None

    def from_path(self, contract: str) -> Callable[[Key[str]], Impl[Any]] | None:
        """Return how a device of this contract is made of a path; None when none is."""
        for offer in self.offers:
            if offer.from_path is not None and full_name(offer.entry.contract) == contract:
                return offer.from_path
        return None


def full_name(contract: type) -> str:
    """Return the name of a contract where it is defined."""
    return f"{contract.__module__}.{contract.__qualname__}"


def provides(offered: type, contract: str) -> bool:
    """Say whether a device that offers one contract is what another, by its full name, asks for."""
    return any(full_name(base) == contract for base in offered.__mro__)


def alternatives(impl: Impl[Any]) -> Iterable[Device[Any] | Default[Any]]:
    """Return every device that `impl` may become."""
    if isinstance(impl, Choice):
        for branch in impl.all():
            yield from alternatives(branch)
    elif isinstance(impl, Device | Default):
        yield impl


@functools.cache
def installed() -> Catalog:
    """Return fata's own offers and those of installed packages. Raises ConfigError for a broken one."""
    from fata.config.catalog import OFFERS

    return Catalog([*OFFERS, *(_foreign(point) for point in entry_points(GROUP))])


def _foreign(point: EntryPoint) -> Offer:
    remedy = "Remove or mend the package that brings it."
    try:
        offer = point.load()
    except Exception as error:  # noqa: BLE001  # somebody's module may raise anything; it becomes one message
        reason = f"the device {point.name!r} ({point.value}) cannot be loaded: {type(error).__name__}: {error}"
        raise ConfigError(reason, remedy=remedy) from None
    if not isinstance(offer, Offer):
        raise ConfigError(f"the device {point.name!r} ({point.value}) is no Offer", remedy=remedy)
    return offer
