"""What a client may make the server hold, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Both leave less than the network of such a machine takes: idle connections give way before it refuses newcomers.
PLACE = 24 * 1024  # octets a connection takes: a request's head, and what the network and we keep of it
FEWEST = 240  # connections, however small the machine
PARSED = 3  # octets that one of a head takes once the request is on its way: lines, fields and what they are joined to


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one server. Octets are 8 bits, times are seconds; every bound is enforced for each connection.

    Whoever breaks one is answered (408, 413, 431, 503; WebSocket 1009, 1013) if that is still possible, and closed.
    """

    connections: int = 1024
    """At once, with those whose client has gone while a task is at work for it.

    At the cap the one that has been idle longest gives way; if none is idle, the newcomer gets 503.
    """

    header_octets: int = 16 * 1024
    """A request's head; a chunk's header line; a body's trailers; what may lie unread behind a request (pipelining)."""

    header_fields: int = 100
    """Fields in a request's head."""

    body_octets: int = 64 * 1024 * 1024
    """A request's body, without its chunk headers."""

    message_octets: int = 16 * 1024 * 1024
    """A WebSocket message, its fragments together (text is counted in characters)."""

    held_octets: int = 256 * 1024 * 1024
    """What is held for all connections: bodies and WebSocket messages that the application has not taken, pieces of
    files that clients have not.

    Who holds as much as is left is not read from any more, until the application has taken what there is. Each
    WebSocket may have 16 KiB of an unfinished message in any case; who goes beyond is told to try again later.
    """

    pipelined: int = 16
    """Requests of one connection that are answered one after the other before other connections get their turn."""

    header_seconds: float = 10.0
    """From a request's first octet, or from the start of the connection, to the end of its head."""

    idle_seconds: float = 60.0
    """Between requests. A WebSocket that has been silent for so long is pinged, and after as long again closed."""

    body_seconds: float = 20.0
    """The window in which `body_rate` is measured, while the application takes what arrives."""

    body_rate: int = 512
    """Octets a second that a client has to send of a body, on average over `body_seconds`."""

    write_seconds: float = 30.0
    """For a client to take what the transport has buffered (asyncio: 48 KiB), also after the last answer."""

    linger_seconds: float = 2.0
    """For which the rest of a refused body is read and dropped, so that the client gets to see the answer."""

    grace_seconds: float = 5.0
    """For running requests to end once the server is told to stop."""

    @classmethod
    def of(cls, stack: object) -> Limits:
        """Return the limits of a server at `stack`, which knows how much memory there is where it is little."""
        memory: int | None = getattr(stack, "memory", None)  # of `fata.stack.direct.DirectStack`
        return cls() if memory is None else cls.within(memory)

    @classmethod
    def within(cls, memory: int) -> Limits:
        """Return the limits of a machine with so many octets free.

        A third is for connections and their requests' heads, an eighth for what is held for all of them, a quarter of
        that for one message: text may take four times its characters.
        """
        most = cls()
        connections = min(most.connections, max(FEWEST, memory // 3 // PLACE))
        return replace(
            most,
            connections=connections,
            header_octets=min(most.header_octets, memory // 3 // connections // PARSED),
            message_octets=min(most.message_octets, memory // 32),
            held_octets=min(most.held_octets, memory // 8),
        )


DEFAULT = Limits()

LAST_SECONDS = 1.0  # for cancelled tasks to give in, and aborted connections to be reported lost
