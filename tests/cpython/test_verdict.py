"""A failure that nobody expects fails a run, and so does an expectation that does not come true."""

from __future__ import annotations

from tests.cpython.listing import expectations
from tests.cpython.records import Module, Outcome
from tests.cpython.verdict import belongs, judge

LISTED = expectations("fork | test.test_x.C.forks | a process\nlocale | test.test_y.C.t | de_DE\n")


def ran(*outcomes: tuple[str, str]) -> Module:
    return Module("test_x", [Outcome(f"test.test_x.C.{name}", outcome) for name, outcome in outcomes])


def test_what_is_expected_is_good() -> None:
    assert judge([ran(("a", "passed"), ("b", "skipped"), ("forks", "failed"))], LISTED).good


def test_a_missing_expectation_is_told() -> None:
    verdict = judge([ran(("a", "failed"), ("forks", "failed"))], LISTED)
    assert not verdict.good
    assert "test.test_x.C.a failed" in str(verdict)


def test_a_stale_expectation_is_told() -> None:
    for outcome in ("passed", "skipped"):
        verdict = judge([ran(("forks", outcome))], LISTED)
        assert (verdict.unexpected, verdict.stale) == ([], ["test.test_x.C.forks"])
    assert "remove it" in str(verdict)


def test_an_expectation_of_a_module_that_did_not_run_says_nothing() -> None:
    assert judge([], LISTED).good


def test_a_module_without_a_test_is_a_failure() -> None:
    assert not judge([Module("test_z")], {}).good


def test_to_which_module_a_test_belongs() -> None:
    assert belongs("test.test_x.C.t", "test_x")
    assert belongs("test.test_x", "test_x")
    assert belongs("setUpClass (test.test_x.C)", "test_x")
    assert not belongs("test.test_xy.C.t", "test_x")
