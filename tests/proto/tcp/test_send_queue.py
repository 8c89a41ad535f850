"""The send queue: the octets that were written, without copies."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.send_queue import MAX_BUFFERS, SendQueue

START = 1000


@given(st.lists(st.integers(1, 30), min_size=1, max_size=200), st.data())
def test_views_are_what_was_written(sizes: list[int], data: st.DataObject) -> None:
    stream = Random(3).randbytes(sum(sizes))
    queue, end = SendQueue(START), START
    for size in sizes:
        queue.buffers.append(stream[end - START : end - START + size])
        end += size
    acked = START
    while acked < end:
        seq = data.draw(st.integers(acked, end - 1))
        length = data.draw(st.integers(1, end - seq))
        buffers = queue.views(seq, length)
        assert b"".join(buffers) == stream[seq - START : seq - START + length]
        assert len(buffers) <= MAX_BUFFERS
        acked = data.draw(st.integers(acked + 1, end))
        queue.release(acked)


def test_a_whole_buffer_is_handed_out_itself() -> None:
    queue, data = SendQueue(START), b"x" * 100
    queue.buffers.append(data)
    assert queue.views(START, 100)[0] is data


def test_parts_are_views_of_the_same_memory() -> None:
    queue, data = SendQueue(START), bytearray(b"x" * 100)
    queue.buffers.append(data)
    (part,) = queue.views(START + 10, 5)
    data[10:15] = b"abcde"
    assert bytes(part) == b"abcde"


def test_acknowledged_buffers_are_let_go() -> None:
    queue = SendQueue(START)
    for end in range(START + 1, START + 10_001):
        queue.buffers.append(b"x")
        queue.release(end - 10)
    assert len(queue._ends) < 300
