"""What the fuzzer, and the tests of garbage, throw octets at."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from fata.errors import WireError
from tests.fuzz.mutation import damaged


class Target(NamedTuple):
    """A parser with golden inputs.

    `attempt` parses, and asserts what must hold of whatever is accepted. `WireError` is the right answer to
    garbage; any other exception is a finding.
    """

    corpus: tuple[bytes, ...]
    attempt: Callable[[bytes], object]

    def finding(self, octets: bytes) -> Exception | None:
        """Return the exception that these octets should not have caused; None if all is well."""
        try:
            self.attempt(octets)
        except WireError:
            return None
        except Exception as error:  # noqa: BLE001 – whatever it is, it is what this looks for
            return error
        return None


def assert_truncations_are_refused(
    target: Target, but: Callable[[bytes, int], bool] = lambda _octets, _at: False
) -> None:
    """Cut every golden input at every octet: each is refused, except where `but(input, length)` says otherwise."""
    for octets in target.corpus:
        target.attempt(octets)
        for length in range(len(octets)):
            try:
                target.attempt(octets[:length])
            except WireError:
                continue
            assert but(octets, length), f"{length} octets of {octets.hex()} were accepted"


def assert_survives_damage(target: Target, rounds: int = 1500, seed: int = 1) -> None:
    """Damage golden inputs so many times."""
    random = Random(seed)
    for _ in range(rounds):
        octets = damaged(random, random.choice(target.corpus), target.corpus)
        error = target.finding(octets)
        if error is not None:
            raise AssertionError(f"input {octets.hex()}") from error
