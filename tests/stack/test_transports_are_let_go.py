"""A connection that has ended keeps nothing of the application alive, though timers may keep the connection."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from fata.driver.poller.virtual import VirtualPoller
from tests.conformance.stack import port_of
from tests.conformance.stack_peers import Accepting, Peer
from tests.stack.networks import run_virtual, stacks


def leave_unread(server: Peer, client: Peer) -> None:
    """Close with data that nobody has taken: the end is a reset."""
    server.transport.pause_reading()
    client.transport.write(b"never read")
    client.transport.close()
    asyncio.get_running_loop().call_later(1, server.transport.close)


def close_both(server: Peer, client: Peer) -> None:
    client.transport.close()
    server.transport.close()


def reset(_server: Peer, client: Peer) -> None:
    client.transport.abort()


def close_while_busy(server: Peer, _client: Peer) -> None:
    server.transport.write(bytes(3 << 20))
    server.transport.close()


class Closing(Peer):
    def eof_received(self) -> bool:
        super().eof_received()
        return False


ENDS: list[Callable[[Peer, Peer], None]] = [close_both, reset, leave_unread, close_while_busy]


@pytest.mark.parametrize("end", ENDS)
def test_what_has_ended_is_let_go(end: Callable[[Peer, Peer], None]) -> None:
    async def main(poller: VirtualPoller) -> None:
        first, second = stacks(poller, 2)
        accepting = Accepting(Closing)
        server = await first.create_server(accepting)
        transport, peer = await second.create_connection(Closing, first.address, port_of(server))
        accepted = await accepting.accepted.get()
        await asyncio.sleep(1)
        protocols: list[weakref.ref[Peer]] = [weakref.ref(peer), weakref.ref(accepted)]
        end(accepted, peer)
        await asyncio.sleep(10)
        del transport, peer, accepted
        gc.collect()
        assert [protocol() for protocol in protocols] == [None, None]
        await first.close()
        await second.close()

    run_virtual(main)
