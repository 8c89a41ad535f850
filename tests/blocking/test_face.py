"""The synchronous face: the same store, without an event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fata.blocking import blocking, drive
from fata.errors import StateError
from fata.irmin import TEXT, MemoryBackend, Repo
from fata.irmin.errors import NotFound


def test_a_store_without_a_loop() -> None:
    repo = blocking(Repo(MemoryBackend(), TEXT))
    store = repo.main()
    first = store.set("a/b", "1", message="first")
    assert store.get("a/b") == "1"
    assert first.info.message == "first"
    assert [name for name, _ in store.list()] == ["a"]
    assert store.list()[0][1].find("b") == "1"
    assert store.commit() == first
    draft = store.clone("draft")
    draft.set("c", "2")
    store.merge_with(draft)
    assert repo.branches.list() == ["draft", "main"]
    assert store.find_tree("a").add("x", "y").find("x") == "y"
    with pytest.raises(NotFound):
        store.get("nowhere")


def test_whatever_comes_out_needs_no_await() -> None:
    store = blocking(Repo(MemoryBackend(), TEXT)).main()
    first = store.set("a/b", "1")
    store.set("c", "2")
    assert first.tree.get("a/b") == "1"
    history = store.history()
    assert [commit.tree.find("c") for commit in history.commits] == ["2", None]
    assert history.parents[history.commits[0]] == [first]
    store.head.set(first)
    assert store.head.get().tree.names() == ["a"]
    assert store.merge_with(history.commits[0]) == history.commits[0]
    with store.watch("a") as changes:
        store.set("a/b", "3")
        store.set("d", "not watched")
        told = iter(changes)
        change = next(told)
        assert (change.branch, change.new_tree.get("b"), change.old_tree.get("b")) == ("main", "3", "1")
        with pytest.raises(StateError, match="no waiting"):
            next(told)


def test_threads_see_whole_operations() -> None:
    store = blocking(Repo(MemoryBackend(), TEXT)).main()

    def write(number: int) -> None:
        for step in range(50):
            store.set(f"{number}/{step}", "x")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(store.names(str(number))) for number in range(4)) == 200


def test_a_device_that_waits_is_told() -> None:
    with pytest.raises(StateError, match="event loop"):
        drive(asyncio.sleep(0))
