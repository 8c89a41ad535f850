"""The contract of Entropy, run over every source."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fata.device.entropy import Entropy
from fata.driver.entropy.os import OsEntropy
from fata.driver.entropy.seeded import SeededEntropy
from fata.errors import StateError

IMPLEMENTATIONS: dict[str, Callable[[], Entropy]] = {"os": OsEntropy, "seeded": lambda: SeededEntropy(1)}


@pytest.fixture(params=IMPLEMENTATIONS)
def entropy(request: pytest.FixtureRequest) -> Entropy:
    """A source."""
    return IMPLEMENTATIONS[request.param]()


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 256, 257, 100_000])
def test_there_are_as_many_octets_as_asked_for(entropy: Entropy, count: int) -> None:
    octets = entropy.octets(count)
    assert isinstance(octets, bytes)
    assert len(octets) == count


def test_a_negative_number_is_refused(entropy: Entropy) -> None:
    with pytest.raises(StateError):
        entropy.octets(-1)


def test_octets_do_not_come_again(entropy: Entropy) -> None:
    assert len({entropy.octets(16) for _ in range(1000)}) == 1000


def test_every_octet_comes_about_equally_often(entropy: Entropy) -> None:
    octets = entropy.octets(256 * 1000)
    counts = [octets.count(value) for value in range(256)]
    # A binomial of mean 1000 and deviation 31.6: eight deviations away once in 10^13 tries.
    assert all(750 < count < 1250 for count in counts)


def test_a_source_says_whether_it_is_fit_for_keys(entropy: Entropy) -> None:
    assert entropy.secure is isinstance(entropy, OsEntropy)
