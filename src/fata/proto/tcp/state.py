"""The states of a connection (RFC 9293 3.3.2) and what each of them allows."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Row(NamedTuple):
    """What a connection in a state does."""

    name: str
    synchronized: bool  # both sequence numbers are known to both sides
    receives: bool  # payload of the peer's is accepted
    sends: bool  # payload may leave
    writable: bool  # the user may still write


class State(Enum):
    """LISTEN is missing: a listener is a thing of its own (listener.py). So is TIME_WAIT's record (time_wait.py)."""

    CLOSED = Row("CLOSED", False, False, False, False)
    SYN_SENT = Row("SYN-SENT", False, False, False, True)
    SYN_RECEIVED = Row("SYN-RECEIVED", False, False, False, True)
    ESTABLISHED = Row("ESTABLISHED", True, True, True, True)
    FIN_WAIT_1 = Row("FIN-WAIT-1", True, True, True, False)
    FIN_WAIT_2 = Row("FIN-WAIT-2", True, True, True, False)
    CLOSE_WAIT = Row("CLOSE-WAIT", True, False, True, True)
    CLOSING = Row("CLOSING", True, False, True, False)
    LAST_ACK = Row("LAST-ACK", True, False, True, False)
    TIME_WAIT = Row("TIME-WAIT", True, False, False, False)


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
