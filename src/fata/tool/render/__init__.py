"""Draws the graph of a program for people and for other programs: each format a module with one function, `draw`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from fata.config.picture import Picture

FORMATS = {"tree": "tree", "svg": "svg", "mermaid": "mermaid", "dot": "dot", "json": "data", "png": "png"}
"""What a user calls a format, and the module that draws it."""


def draw(picture: Picture, form: str) -> str | bytes:
    """Draw in one of `FORMATS`: text that ends in a newline, or octets for png.

    Raises `ConfigError` when a format needs a program that the machine lacks.
    """
    module = import_module(f"{__name__}.{FORMATS[form]}")
    return cast("str | bytes", module.draw(picture))
