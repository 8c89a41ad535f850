"""What the ways to open our own TCP/IP have in common: the wait for an address, and the report for who looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.runtime.statistics import Display

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.stack.direct import DirectStack

DHCP_WAIT = 30.0  # seconds


async def made_ready(stack: DirectStack, *, dhcp: bool, report: Callable[[float], str] | None) -> DirectStack:
    """Return the stack once it has its address; show what `report` says of it (`Display`) until it closes.

    Without a lease in time the stack is closed. Raises `Unavailable`.
    """
    if dhcp:
        try:
            await stack.lease(DHCP_WAIT)
        except BaseException:
            await stack.close()
            raise
    if report is not None:
        stack.closing.append(Display(report).close)
    return stack
