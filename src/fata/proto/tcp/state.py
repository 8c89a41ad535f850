"""The states of a connection (RFC 9293 3.3.2) and what each of them allows."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """LISTEN is missing: a listener is a thing of its own (listener.py). So is TIME_WAIT's record (time_wait.py)."""

    CLOSED = ("CLOSED", False, False, False, False)
    SYN_SENT = ("SYN-SENT", False, False, False, True)
    SYN_RECEIVED = ("SYN-RECEIVED", False, False, False, True)
    ESTABLISHED = ("ESTABLISHED", True, True, True, True)
    FIN_WAIT_1 = ("FIN-WAIT-1", True, True, True, False)
    FIN_WAIT_2 = ("FIN-WAIT-2", True, True, True, False)
    CLOSE_WAIT = ("CLOSE-WAIT", True, False, True, True)
    CLOSING = ("CLOSING", True, False, True, False)
    LAST_ACK = ("LAST-ACK", True, False, True, False)
    TIME_WAIT = ("TIME-WAIT", True, False, False, False)

    __hash__ = object.__hash__  # Enum's own is a function of Python

    def __init__(self, label: str, synchronized: bool, receives: bool, sends: bool, writable: bool) -> None:
        self.label = label
        self.synchronized = synchronized  # both sequence numbers are known to both sides
        self.receives = receives  # payload of the peer's is accepted
        self.sends = sends  # payload may leave
        self.writable = writable  # the user may still write


# Looked up in hot paths, where an attribute of an Enum class costs more than a global.
CLOSED = State.CLOSED
SYN_SENT = State.SYN_SENT
SYN_RECEIVED = State.SYN_RECEIVED
ESTABLISHED = State.ESTABLISHED
FIN_WAIT_1 = State.FIN_WAIT_1
FIN_WAIT_2 = State.FIN_WAIT_2
CLOSE_WAIT = State.CLOSE_WAIT
CLOSING = State.CLOSING
LAST_ACK = State.LAST_ACK
TIME_WAIT = State.TIME_WAIT
