"""An application's signature as a value."""

from __future__ import annotations

from typing import NamedTuple

from fata.config.keys import Required
from fata.config.value import KeyType, Plain
from fata.config.where import Where


class DeviceParameter(NamedTuple):
    """A positional parameter: a device. `contract` is the name where the contract is defined."""

    name: str
    contract: str  # "fata.device.kv.KvRo"
    optional: bool  # None is accepted, and is the default
    where: Where


class KeyParameter(NamedTuple):
    """A keyword-only parameter: a key."""

    name: str
    type: KeyType
    default: Plain | Required
    doc: str
    where: Where


Parameter = DeviceParameter | KeyParameter


class Signature(NamedTuple):
    """What `module:name` is and asks for. `asgi` applications ask for a stack, a host and a port."""

    module: str
    name: str
    asgi: bool
    doc: str
    parameters: tuple[Parameter, ...]
    needs_loop: bool  # asyncio is imported somewhere in the module, at any depth
    where: Where
