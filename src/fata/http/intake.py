"""A request's body on its way from the network to whoever answers."""

from __future__ import annotations

from collections.abc import Callable

from fata.http.budget import Budget
from fata.http.exchange import Exchange
from fata.http.limits import Limits
from fata.http.reader import RequestReader
from fata.http.request import Refused
from fata.http.wire import Wire

HIGH_WATER = 64 * 1024  # octets of body that wait to be taken before reading stops


class Intake:
    """Moves bodies from the reader to exchanges: no faster than they are taken, no slower than the limits allow."""

    def __init__(self, reader: RequestReader, wire: Wire, limits: Limits, budget: Budget) -> None:
        self._reader = reader
        self._wire = wire
        self._limits = limits
        self._budget = budget
        self._window_start = 0  # octets of body at the start of the window in which its rate is measured

    def full(self, exchange: Exchange | None) -> bool:
        """Whether there is no room for what the network may bring."""
        if self._reader.buffered > self._limits.header_octets:
            return True
        if exchange is None or exchange.body_complete:
            return False
        return exchange.queued >= HIGH_WATER or self._budget.crowded_by(exchange.queued)

    def fill(self, exchange: Exchange) -> bool:
        """Move what there is, as far as there is room; say whether that has completed the body. Raises `Refused`."""
        while exchange.queued < HIGH_WATER:
            data = self._reader.next_body()
            if not data:
                break
            exchange.feed(data)
        if not self._reader.body_complete:
            return False
        exchange.body_complete = True
        exchange.wake()
        return True

    def watch(self, exchange: Exchange | None, refuse: Callable[[Refused], None]) -> None:
        """Give the client a new window for its body, if it is the client that we wait for."""
        if exchange is None or exchange.body_complete or exchange.awaiting_continue or not self._wire.reading:
            self._wire.expect_nothing()
        else:
            self._window_start = exchange.received
            self._wire.expect(self._limits.body_seconds, lambda: self._end_window(exchange, refuse))

    def _end_window(self, exchange: Exchange, refuse: Callable[[Refused], None]) -> None:
        received = exchange.received - self._window_start
        if received < self._limits.body_rate * self._limits.body_seconds:
            refuse(Refused(408, f"{received} octets of body within {self._limits.body_seconds} s"))
        else:
            self.watch(exchange, refuse)
