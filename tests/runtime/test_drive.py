"""Coroutines driven by hand."""

import types
from collections.abc import Generator

import pytest

from fata.errors import StateError
from fata.runtime.drive import drive


@types.coroutine
def suspend() -> Generator[None]:
    yield


async def answer() -> int:
    return 42


async def answer_of_answer() -> int:
    return await answer()


async def waits() -> None:
    await suspend()


async def waits_stubbornly() -> None:
    while True:
        try:
            await suspend()
        except StateError:
            continue


async def takes_it_calmly() -> str:
    try:
        await suspend()
    except StateError as error:
        return str(error)
    return "never"


async def fails() -> None:
    raise KeyError("x")


def test_a_coroutine_runs_to_its_end() -> None:
    assert drive(answer_of_answer()) == 42


def test_an_exception_comes_out() -> None:
    with pytest.raises(KeyError):
        drive(fails())


def test_one_that_suspends_is_told_where_it_does() -> None:
    with pytest.raises(StateError, match="does not import asyncio") as caught:
        drive(waits())
    assert "waits" in [entry.name for entry in caught.traceback]


def test_one_that_suspends_may_still_end_well() -> None:
    assert "no event loop" in drive(takes_it_calmly())


def test_one_that_insists_on_suspending_is_ended() -> None:
    with pytest.raises((StateError, RuntimeError)):
        drive(waits_stubbornly())
