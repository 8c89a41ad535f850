"""Dotted names of the catalog: the one place where configuration reaches what it names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fata.errors import ConfigError


def split(name: str) -> tuple[str, str]:
    """Split "package.module:attribute". Raises ConfigError."""
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute.isidentifier():
        raise ConfigError(f"{name!r} is no dotted name", remedy="A catalog entry writes package.module:attribute.")
    return module, attribute


def load(name: str) -> Any:
    """Import what a dotted name means. Raises ConfigError."""
    module, attribute = split(name)
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{name!r} cannot be loaded: {error}", remedy="Mend the package that brings it.") from None
