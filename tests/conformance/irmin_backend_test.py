"""The contract of a store's backend, run over every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fata.disk.git.objects import BLOB, Object, object_id
from fata.irmin.backend.contract import Backend, Immediate, RefChange
from fata.irmin.errors import NameTaken
from fata.sim.pytest_plugin import Drive
from tests.conformance.irmin_backends import BACKENDS

pytestmark = pytest.mark.virtual_time

MAIN = "refs/heads/main"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path, drive: Drive[Any]) -> Iterator[Backend]:
    """An empty backend."""
    backend = BACKENDS[request.param](tmp_path)
    yield backend
    drive(backend.close())


def blob(text: str) -> tuple[bytes, Object]:
    body = text.encode()
    return object_id(BLOB, body), (BLOB, body)


ONE, TWO, THREE = (blob(text) for text in ("one", "two", "three"))


async def test_an_object_is_what_was_written(backend: Backend) -> None:
    assert await backend.read(ONE[0]) is None
    assert not await backend.contains(ONE[0])
    await backend.write(dict([ONE, TWO]))
    await backend.write(dict([ONE]))
    assert await backend.read(ONE[0]) == ONE[1]
    assert await backend.contains(TWO[0])
    assert not await backend.contains(THREE[0])
    if isinstance(backend, Immediate):
        assert backend.peek(ONE[0]) == ONE[1]
        assert backend.peek(THREE[0]) is None


@pytest.mark.parametrize("size", [0, 1, 31, 32, 100, 1 << 16, (1 << 16) + 1, 300_000])
async def test_objects_of_any_size(backend: Backend, size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    oid = object_id(BLOB, body)
    await backend.write({oid: (BLOB, body)})
    assert await backend.read(oid) == (BLOB, body)


async def test_many_objects_at_once(backend: Backend) -> None:
    objects = dict(blob(f"number {number}") for number in range(300))
    await backend.write(objects)
    for oid, found in objects.items():
        assert await backend.read(oid) == found
    assert {oid async for oid in backend.ids()} == set(objects)


async def test_a_reference_changes_only_from_what_it_was(backend: Backend) -> None:
    one, two, three = ONE[0], TWO[0], THREE[0]
    assert await backend.ref(MAIN) is None
    assert not await backend.commit(dict([ONE]), [RefChange(MAIN, two, one)])
    assert await backend.commit(dict([ONE]), [RefChange(MAIN, None, one)])
    assert await backend.ref(MAIN) == one
    assert not await backend.commit(dict([TWO]), [RefChange(MAIN, None, two)])
    assert not await backend.commit(dict([TWO]), [RefChange(MAIN, three, two)])
    assert await backend.ref(MAIN) == one
    assert await backend.commit(dict([TWO]), [RefChange(MAIN, one, two)])
    assert await backend.ref(MAIN) == two
    assert await backend.commit({}, [RefChange(MAIN, two, None)])
    assert await backend.ref(MAIN) is None
    assert await backend.read(two) == TWO[1]


async def test_all_references_change_or_none(backend: Backend) -> None:
    one, two = ONE[0], TWO[0]
    await backend.commit(dict([ONE, TWO]), [RefChange(MAIN, None, one)])
    other = "refs/heads/other"
    assert not await backend.commit({}, [RefChange(other, None, one), RefChange(MAIN, two, one)])
    assert await backend.refs("refs/") == {MAIN: one}
    assert await backend.commit({}, [RefChange(other, None, one), RefChange(MAIN, one, two)])
    assert await backend.refs("refs/") == {MAIN: two, other: one}


async def test_references_are_listed_by_prefix_in_order(backend: Backend) -> None:
    names = ["refs/heads/b", "refs/heads/a/x", "refs/tags/v1", "refs/heads/a/b", "refs/remotes/origin/main"]
    for name in names:
        assert await backend.commit(dict([ONE]), [RefChange(name, None, ONE[0])])
    assert list(await backend.refs("refs/")) == sorted(names)
    assert list(await backend.refs("refs/heads/a/")) == ["refs/heads/a/b", "refs/heads/a/x"]
    assert await backend.refs("refs/notes/") == {}


async def test_names_that_exclude_each_other(backend: Backend) -> None:
    await backend.commit(dict([ONE]), [RefChange("refs/heads/a/b", None, ONE[0])])
    for name in ("refs/heads/a", "refs/heads/a/b/c"):
        with pytest.raises(NameTaken):
            await backend.commit({}, [RefChange(name, None, ONE[0])])
    await backend.commit({}, [RefChange("refs/heads/a/b", ONE[0], None)])
    assert await backend.commit({}, [RefChange("refs/heads/a", None, ONE[0])])
    assert await backend.refs("refs/heads/") == {"refs/heads/a": ONE[0]}


async def test_listeners_hear_of_what_changed(backend: Backend) -> None:
    heard: list[RefChange] = []
    end = backend.listen(heard.append)
    made = RefChange(MAIN, None, ONE[0])
    await backend.commit(dict([ONE]), [made])
    await backend.commit({}, [made])  # refused
    await backend.commit({}, [RefChange(MAIN, ONE[0], ONE[0])])  # changes nothing
    removed = RefChange(MAIN, ONE[0], None)
    await backend.commit({}, [removed])
    assert heard == [made, removed]
    end()
    end()
    await backend.commit({}, [made])
    assert heard == [made, removed]


async def test_deleted_objects_are_gone(backend: Backend) -> None:
    await backend.write(dict([ONE, TWO]))
    await backend.delete([ONE[0], THREE[0]])
    assert not await backend.contains(ONE[0])
    assert await backend.read(ONE[0]) is None
    assert await backend.contains(TWO[0])


async def test_of_many_objects_some_are_deleted(backend: Backend) -> None:
    objects = dict(blob(f"number {number}") for number in range(300))
    await backend.write(objects)
    await backend.write(dict([ONE]))
    gone = list(objects)[::3]
    await backend.delete(gone)
    assert {oid async for oid in backend.ids()} == {ONE[0], *objects} - set(gone)
    assert await backend.read(gone[0]) is None
    kept = list(objects)[1]
    assert await backend.read(kept) == objects[kept]


async def test_the_default_branch_is_main(backend: Backend) -> None:
    assert await backend.default_branch() == "main"


async def test_flushing_is_always_allowed(backend: Backend) -> None:
    await backend.flush()
    await backend.write(dict([ONE]))
    await backend.flush()


async def test_what_is_durable_is_there_when_opened_again(tmp_path: Path) -> None:
    for name, make in BACKENDS.items():
        first = make(tmp_path)
        if not first.capabilities.durable:
            continue
        ref = f"refs/heads/{name.replace(' ', '-')}"
        assert await first.commit(dict([ONE]), [RefChange(ref, None, ONE[0])])
        again = make(tmp_path)
        assert await again.ref(ref) == ONE[0]
        assert await again.read(ONE[0]) == ONE[1]
        await first.close()
        await again.close()
