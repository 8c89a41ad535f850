"""What holds for every card that is an interface of the host, whichever driver opens it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from fata.device.net import Net, SentFrame
from fata.device.poller import Poller
from fata.errors import DeviceError, Unavailable
from tests.network_namespace import Namespace

NOBODY = 65534  # a user's number


def assert_removal_is_told_once(space: Namespace, poller: Poller, card: Net, name: str) -> None:
    """Remove the interface of an open card: who waits is told so, once, and who sends, each time."""
    calls: list[str] = []

    def readable() -> None:
        calls.append("readable")
        card.receive()

    card.watch(readable, lambda: None)
    space.ip(f"link del {name}")
    message = f"{name}: the interface has been removed"
    with pytest.raises(DeviceError, match=message):
        poller.wait(poller.monotonic() + 1)
    assert calls == ["readable"]
    assert card.receive() == []
    assert poller.wait(poller.monotonic()) == 0
    for _ in range(2):
        with pytest.raises(DeviceError, match=message):
            card.send([SentFrame([bytes(60)])])


def assert_others_may_not(space: Namespace, open_card: Callable[[], Net], reason: str) -> None:
    """Have another user try to open a card."""
    uid = os.geteuid()
    with space.entered():
        os.seteuid(NOBODY)
        try:
            with pytest.raises(Unavailable, match=reason):
                open_card()
        finally:
            os.seteuid(uid)
