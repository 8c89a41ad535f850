"""SeededEntropy: the algorithm that its docstring promises."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from fata.driver.entropy.seeded import SeededEntropy


def test_the_first_octets_are_the_same_for_ever() -> None:
    assert SeededEntropy(0).octets(8).hex() == "751cb50b95965b62"
    assert SeededEntropy(-42).octets(8).hex() == "738894be74362379"


def test_the_stream_is_sha256_in_counter_mode() -> None:
    key = sha256(b"7").digest()
    expected = sha256(key + bytes(8)).digest() + sha256(key + bytes(7) + b"\1").digest()
    assert SeededEntropy(7).octets(64) == expected


@given(st.integers(), st.lists(st.integers(0, 100), max_size=20))
def test_how_the_stream_is_cut_does_not_matter(seed: int, counts: list[int]) -> None:
    cut, whole = SeededEntropy(seed), SeededEntropy(seed)
    assert b"".join(cut.octets(count) for count in counts) == whole.octets(sum(counts))


def test_seeds_have_streams_of_their_own() -> None:
    assert len({SeededEntropy(seed).octets(32) for seed in range(-500, 500)}) == 1000
