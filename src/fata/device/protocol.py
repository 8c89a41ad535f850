"""`Protocol` for the contracts: what a type checker reads is `typing.Protocol`, what runs is an empty class.

Every program loads the contracts that it names, on every target, and `typing` costs more to import than a whole
small program (12 ms of 25 were measured). Nothing checks contracts while a program runs: a driver's fit is
checked by mypy, an application's wiring by the configuration.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:

    class Protocol:
        """A base that says nothing."""


__all__ = ["Protocol"]
