"""The checksum's short way of summing gives what RFC 1071's long way gives."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.wire.checksum import MODULUS, NARROW, WIDE, checksum, pseudo_header4, quartered, residue
from tests.wire.captured import FRAMES, addresses, packet, transport


def naive_sum(data: bytes) -> int:
    """Add 16-bit words and fold the carries, as RFC 1071 4.1 does it."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] << 8 | (data[at + 1] if at + 1 < len(data) else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def same(left: int, right: int) -> bool:
    """Whether two sums are the same number in one's complement, where 0 and 0xFFFF are."""
    return left % MODULUS == right % MODULUS


@pytest.mark.parametrize("length", range(71))
def test_every_short_length(length: int) -> None:
    random = Random(length)
    for data in (bytes(length), b"\xff" * length, *(random.randbytes(length) for _ in range(20))):
        assert same(residue(data), naive_sum(data))
        assert same(checksum(data), ~naive_sum(data) & 0xFFFF)


@pytest.mark.parametrize("length", [WIDE - 1, WIDE, WIDE + 1, WIDE + 2, 2 * WIDE + 3, 20_001, 65_507, 65_535, 65_536])
def test_long_ones_whatever_holds_them(length: int) -> None:
    data = Random(length).randbytes(length)
    for held in (data, bytearray(data), memoryview(data)):
        assert same(residue(held), naive_sum(data))
        assert 0 <= residue(held, 12_345) < MODULUS
        assert same(residue(held, 12_345), naive_sum(data) + 12_345)


@pytest.mark.parametrize("length", [0, 1, NARROW - 1, NARROW, NARROW + 1, 1447, 1448, 1460, 9000])
def test_in_quarters_it_is_the_same(length: int) -> None:
    data = Random(length).randbytes(26 + length + 9)
    assert same(quartered(data, 26, 26 + length), naive_sum(data[26 : 26 + length]))


@given(st.binary(max_size=100), st.integers(0, 1 << 80))
def test_initial_is_added(data: bytes, initial: int) -> None:
    assert same(residue(data, initial), naive_sum(data) + initial)


@given(st.binary(max_size=100))
def test_data_with_their_checksum_have_residue_zero(data: bytes) -> None:
    even = data + bytes(len(data) % 2)
    assert residue(even + checksum(data).to_bytes(2, "big")) == 0


@given(st.binary(max_size=100))
def test_a_checksum_is_never_zero(data: bytes) -> None:
    assert 0 < checksum(data) <= 0xFFFF


def test_example_of_rfc_1071() -> None:
    assert residue(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


def test_pseudo_header_of_captured_segments() -> None:
    segments = [frame for name, frame in FRAMES.items() if name.startswith(("TCP", "UDP")) and "NO_" not in name]
    assert len(segments) == 8
    for frame in segments:
        source, destination = addresses(frame)[:4], addresses(frame)[4:]
        length = len(transport(frame))
        assert residue(transport(frame), pseudo_header4(source, destination, packet(frame)[9], length)) == 0


def test_a_flipped_bit_shows() -> None:
    frame = FRAMES["ECHO_REQUEST"]
    message = transport(frame)
    for bit in range(len(message) * 8):
        flipped = bytearray(message)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        assert residue(flipped) != 0
