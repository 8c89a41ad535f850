"""What a server holds for all its clients together, and has not got rid of yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """Octets of bodies, WebSocket messages and answers, of all connections.

    Nobody is refused for it, and nobody waits for others to give back: a connection stops reading while it holds as
    much as is free, and one that holds nothing always reads. So one client never fills it, n that go on sending come to
    hold an (n + 1)th each, and beyond it there is, of each connection, one delivery of its transport at most.
    """

    limit: int  # octets
    held: int = 0

    @property
    def free(self) -> int:
        """Octets that are left; negative when deliveries went beyond."""
        return self.limit - self.held

    def crowded_by(self, octets: int) -> bool:
        """Whether who holds so many has as much as is left for all others."""
        return octets >= self.limit - self.held and octets > 0
