"""A connection that has ended keeps nothing of the application alive, though timers may keep the connection."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from fata.driver.poller.virtual import VirtualPoller
from fata.stack.transport import TcpTransport
from tests.conformance.stack import Accepting, Peer, port_of
from tests.stack.networks import run_virtual, stacks


def leave_unread(server: Peer, client: Peer) -> None:
    """Close with data that nobody has taken: the end is a reset."""
    server.transport.pause_reading()
    client.transport.write(b"never read")
    client.transport.close()
    asyncio.get_running_loop().call_later(1, server.transport.close)


ENDS: dict[str, Callable[[Peer, Peer], None]] = {
    "closed": lambda server, client: client.transport.close() or server.transport.close(),
    "reset": lambda _server, client: client.transport.abort(),
    "unread": leave_unread,
    "busy": lambda server, _client: server.transport.write(bytes(3 << 20)) or server.transport.close(),
}


class Closing(Peer):
    def eof_received(self) -> bool:
        super().eof_received()
        return False


@pytest.mark.parametrize("end", ENDS)
def test_what_has_ended_is_let_go(end: str) -> None:
    async def main(poller: VirtualPoller) -> None:
        first, second = stacks(poller, 2)
        accepting = Accepting(Closing)
        server = await first.create_server(accepting)
        _, peer = await second.create_connection(Closing, first.address, port_of(server))
        accepted = await accepting.accepted.get()
        await asyncio.sleep(1)
        protocols = [weakref.ref(peer), weakref.ref(accepted)]
        ENDS[end](accepted, peer)
        await asyncio.sleep(10)
        del peer, accepted, _
        gc.collect()
        assert [protocol() for protocol in protocols] == [None, None]
        assert [one for one in gc.get_objects() if type(one) is TcpTransport] == []
        await first.close()
        await second.close()

    run_virtual(main)
