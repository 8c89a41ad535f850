"""What a RawNet promises besides: raw frames are the same frames, behind its header. Over the rig of the offloads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from fata.device.net import Checksum, RawForm, ReceivedFrame, Segmentation, SentFrame
from fata.errors import StateError
from tests.conformance.net import EXPERIMENT, FAR_MAC, NetContract, Rig
from tests.conformance.net_offload import SIZE, OffloadRig, check_checksum, large_frame, pattern

TCP4 = Segmentation.TCP4


class NetRawContract:
    """Raw frames, both ways."""

    @pytest.fixture
    def rig(self) -> Iterator[OffloadRig]:
        raise NotImplementedError

    def collect(self, rig: OffloadRig, count: int) -> list[bytes]:
        return NetContract().collect(Rig(rig.net, rig.wire, rig.poller), count)

    @pytest.mark.parametrize("size", [1, 500, 65000])
    def test_a_raw_frame_is_interpreted_as_what_is_received(self, rig: OffloadRig, size: int) -> None:
        net, form, came = raw_of(rig)
        sent = large_frame(TCP4, pattern(size), rig.source.mac, net.mac)
        assert rig.source.send([sent]) == 1

        def look() -> list[bytes]:
            came.extend(raw for raw in net.receive_raw() if raw[form.header_length :].startswith(net.mac))
            return came

        NetContract().wait(Rig(net, rig.wire, rig.poller), look)
        data = b"".join(sent.buffers)
        cut = (TCP4, SIZE) if size > SIZE else (Segmentation.NONE, 0)
        assert came[0][form.header_length :] == data
        assert net.interpret(came[0]) == ReceivedFrame(data, Checksum.PARTIAL, *cut)

    @pytest.mark.parametrize("size", [1, 999, 1000])
    def test_a_raw_frame_gets_its_checksum(self, rig: OffloadRig, size: int) -> None:
        net, form, _came = raw_of(rig)
        frame = large_frame(TCP4, pattern(size), net.mac)
        assert form.tcp_header is not None
        assert net.send_raw([form.tcp_header + b"".join(frame.buffers)]) == 1
        (segment,) = self.collect(rig, 1)
        check_checksum(segment)
        assert segment.endswith(pattern(size))

    def test_raw_frames_keep_their_place_among_others(self, rig: OffloadRig) -> None:
        net, form, _came = raw_of(rig)
        frames = [large_frame(TCP4, bytes((number,)), net.mac) for number in range(9)]
        assert form.tcp_header is not None
        mixed = [form.tcp_header + b"".join(frame.buffers) if at % 3 else frame for at, frame in enumerate(frames)]
        assert net.send_raw(mixed) == 9
        assert [segment[-1] for segment in self.collect(rig, 9)] == list(range(9))

    @pytest.mark.parametrize("octets", [b"", b"\0", b"\1\xff" + bytes(100)])
    def test_what_makes_no_sense_is_counted(self, rig: OffloadRig, octets: bytes) -> None:
        net, _form, _came = raw_of(rig)
        counters = getattr(net, "counters", net)
        before = counters.malformed
        assert net.interpret(octets) is None
        assert counters.malformed == before + 1

    def test_plain_frames_pass_as_well(self, rig: OffloadRig) -> None:
        net, form, came = raw_of(rig)
        sent = net.mac + FAR_MAC + EXPERIMENT + bytes(46)
        assert rig.source.send([SentFrame([sent])]) == 1

        def look() -> list[bytes]:
            came.extend(raw for raw in net.receive_raw() if raw[form.header_length :].startswith(net.mac))
            return came

        NetContract().wait(Rig(net, rig.wire, rig.poller), look)
        assert net.interpret(came[0]) == ReceivedFrame(sent, Checksum.UNKNOWN, Segmentation.NONE, 0)

    def test_a_closed_card_passes_nothing(self, rig: OffloadRig) -> None:
        net, _form, _came = raw_of(rig)
        asyncio.run(net.close())
        with pytest.raises(StateError):
            net.receive_raw()
        with pytest.raises(StateError):
            net.send_raw([])


def raw_of(rig: OffloadRig) -> tuple[Any, RawForm, list[bytes]]:
    """Return the device, its form, and a list for what comes."""
    net: Any = rig.net
    form = net.raw
    assert form is not None
    return net, form, []
