"""What is said of a file that the program needs and was not given."""

from __future__ import annotations

from fata.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def not_given(name: str) -> NoReturn:
    """Raise `Unavailable`."""
    raise Unavailable(f"the program needs a file {name}", f"Give it: --file {name}=PATH")
