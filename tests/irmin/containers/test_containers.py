"""Containers over a store: what they hold, what is written, and that replicas which work apart come together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from fata.irmin import TEXT, MemoryBackend, Repo, Tree
from fata.irmin.containers import (
    COUNTER,
    BlobLog,
    Counter,
    LinkedLog,
    LwwRegister,
    OrSet,
    Queue,
    blob_log,
    lww_register,
    or_set,
    queue,
)
from fata.irmin.containers.framing import frame, frames
from fata.irmin.contents.contract import Contents
from fata.irmin.errors import Conflict
from fata.irmin.repo import HashName
from fata.irmin.store.store import Store
from fata.irmin.sync import pull, remote

pytestmark = pytest.mark.virtual_time


def ticking(start: int = 0, step: int = 1) -> Callable[[], int]:
    """Return a clock that goes on by itself."""
    times = itertools.count(start, step)
    return lambda: next(times)


def tags(prefix: str) -> Callable[[], str]:
    numbers: Iterator[int] = itertools.count()
    return lambda: f"{prefix}{next(numbers)}"


async def two(repo: Repo[Any]) -> tuple[Store[Any], Store[Any]]:
    """Return two branches that begin with the same commit."""
    here = await repo.main()
    await here.set("unrelated", next(iter(SAMPLES[repo.objects.contents.name])))
    return here, await here.clone("there")


SAMPLES: dict[str, list[Any]] = {"counter": [1], "text": [""], "queue of text": [()], "log of text": [()]}


async def test_counters_add_up() -> None:
    here, there = await two(Repo(MemoryBackend(), COUNTER))
    ours, theirs = Counter(here, "a/visits"), Counter(there, "a/visits")
    assert await ours.read() == 0
    await ours.increase(3)
    await theirs.increase()
    await theirs.decrease(5)
    await here.merge_with(there)
    assert await ours.read() == -1


@pytest.mark.parametrize("hash_name", ["sha1", "blake2b"])
async def test_equal_increments_count_twice(hash_name: HashName) -> None:
    here, there = await two(Repo(MemoryBackend(), COUNTER, hash=hash_name, now=lambda: 0))
    for path in ("a/visits", "both alone"):
        await Counter(here, path).increase()
        await Counter(there, path).increase()
    await Counter(here, "a/ours").increase()
    await here.merge("a/ours", 0, 1, message="somebody else's form")
    await here.merge_with(there)
    assert [await here.find(path) for path in ("a/visits", "both alone", "a/ours")] == [2, 2, 2]


@pytest.mark.parametrize("replicas", [3, 4])
@pytest.mark.parametrize("seed", range(12))
async def test_replicas_count_everything_once(seed: int, replicas: int) -> None:
    """Repositories that share no commit in the beginning; whatever way the news takes, the sums are right in the end.

    Of four some merges have three common ancestors and more, which are merged first.
    """
    chance = random.Random(f"{seed} {replicas}")
    repos = [Repo(MemoryBackend(), COUNTER, now=lambda: 0) for _ in range(replicas)]
    stores = [await repo.main() for repo in repos]
    total = dict.fromkeys(("a/b", "a/c", "d"), 0)
    for _ in range(70):
        one, other = chance.sample(range(replicas), 2)
        if chance.random() < 0.5:
            path, step = chance.choice([*total]), chance.choice((1, 1, -1, 2))
            total[path] += step
            await Counter(stores[one], path).increase(step)
        elif await stores[other].commit() is not None:
            await pull(stores[one], remote(repos[other]))
    for one, other in [*itertools.permutations(range(replicas), 2)] * 2:
        await pull(stores[one], remote(repos[other]))
    for store in stores:
        assert {path: await Counter(store, path).read() for path in total} == total
    assert len({await store.hash() for store in stores}) == 1


async def test_equal_files_that_are_no_contents_stay() -> None:
    here, there = await two(Repo(MemoryBackend(), COUNTER))
    for store in (here, there):
        tree = await store.tree()
        alien = await Repo(here.repo.backend, TEXT).tree().add("README", "no number")
        await store.set_tree("docs", Tree(tree.objects, alien.root), message=store.branch or "")
    await here.merge_with(there)
    assert await here.kind("docs/README") == "contents"


async def test_the_last_write_wins() -> None:
    contents = lww_register(TEXT)
    SAMPLES[contents.name] = [contents.decode(frame(("0",), b""))]
    here, there = await two(Repo(MemoryBackend(), contents))
    ours, theirs = LwwRegister(here, "a", ticking(10)), LwwRegister(there, "a", ticking(5))
    assert await ours.read() is None
    await ours.write("first")
    await theirs.write("earlier, by its clock")
    await here.merge_with(there)
    assert await ours.read() == "first"
    await there.merge_with(here)
    await theirs.write("after what it has seen, whatever the clock says")
    await here.merge_with(there)
    assert await ours.read() == "after what it has seen, whatever the clock says"


async def test_a_write_is_later_than_what_it_has_seen_for_those_who_have_not() -> None:
    contents = lww_register(TEXT)
    SAMPLES[contents.name] = [contents.decode(frame(("0",), b""))]
    here, there = await two(Repo(MemoryBackend(), contents))
    third = await here.clone("third")
    await LwwRegister(here, "a", ticking(10)).write("first")
    await there.merge_with(here)
    await LwwRegister(there, "a", ticking(5)).write("knows of the first, by a clock that is late")
    await LwwRegister(third, "a", ticking(8)).write("knows of nothing")
    await third.merge_with(there)
    assert await LwwRegister(third, "a").read() == "knows of the first, by a clock that is late"


async def test_logs_are_merged_by_time() -> None:
    here, there = await two(Repo(MemoryBackend(), blob_log(TEXT)))
    ours, theirs = BlobLog(here, "log", ticking(0, 10)), BlobLog(there, "log", ticking(5, 10))
    for number in range(2):
        await ours.append(f"ours {number}")
        await theirs.append(f"theirs {number}")
    await here.merge_with(there)
    assert await ours.read_all() == ["ours 0", "theirs 0", "ours 1", "theirs 1"]
    await there.set("log", ())
    await ours.append("more")
    with pytest.raises(Conflict, match="past"):
        await here.merge_with(there)


async def test_a_linked_log_is_read_newest_first_as_far_as_asked() -> None:
    here, there = await two(Repo(MemoryBackend(), TEXT))
    second = 1_000_000_000
    ours = LinkedLog(here, "log", ticking(1_700_000_000 * second, 3 * second), tags("a"))
    theirs = LinkedLog(there, "log", ticking(1_700_000_001 * second, 30_000 * second), tags("b"))
    assert await ours.read_all() == []
    for number in range(3):
        await ours.append(f"ours {number}")
        await theirs.append(f"theirs {number}")
    cursor = await ours.cursor()
    await here.merge_with(there)
    assert await cursor.read(2) == ["ours 2", "ours 1"]
    assert await cursor.read(2) == ["ours 0"]
    assert await ours.read_all() == ["theirs 2", "theirs 1", "ours 2", "ours 1", "theirs 0", "ours 0"]


async def test_a_linked_log_goes_on_after_a_clock_that_stands() -> None:
    store = await Repo(MemoryBackend(), TEXT).main()
    clock = iter((1_000_000_000_000, 7, 7, 1_000_000_000_001))
    log = LinkedLog(store, "log", lambda: next(clock), iter("9753").__next__)
    for value in "abcd":
        await log.append(value)
    assert await log.read_all() == ["d", "c", "b", "a"]


async def test_a_queue_never_gives_back_what_was_taken() -> None:
    here, there = await two(Repo(MemoryBackend(), queue(TEXT)))
    ours, theirs = (Queue(store, "q", ticking(), tags(name)) for store, name in ((here, "a"), (there, "b")))
    await ours.put("one")
    await ours.put("two")
    await there.merge_with(here)
    assert await ours.take() == "one"
    await theirs.put("three")
    assert await theirs.take() == "one", "at least once: neither knew of the other"
    await here.merge_with(there)
    assert await ours.read_all() == ["two", "three"]
    assert [await ours.take() for _ in range(3)] == ["two", "three", None]


async def test_what_one_replica_has_taken_is_gone_for_the_other() -> None:
    for first in ("here", "there"):
        here, there = await two(Repo(MemoryBackend(), queue(TEXT)))
        ours, theirs = (Queue(store, "q", ticking(), tags(name)) for store, name in ((here, "a"), (there, "b")))
        await ours.put("one")
        await there.merge_with(here)
        assert await ours.take() == "one"
        await theirs.put("two")
        await (here.merge_with(there) if first == "here" else there.merge_with(here))
        assert await (ours if first == "here" else theirs).read_all() == ["two"]


async def test_an_addition_survives_a_removal_that_did_not_know_of_it() -> None:
    contents = or_set(TEXT)
    SAMPLES[contents.name] = [frozenset()]
    here, there = await two(Repo(MemoryBackend(), contents))
    ours, theirs = OrSet(here, "s", tags("a")), OrSet(there, "s", tags("b"))
    await ours.add("x")
    await ours.add("y")
    await there.merge_with(here)
    await ours.discard("x")
    await ours.discard("y")
    await theirs.add("x")
    await here.merge_with(there)
    assert await ours.read() == {"x"}


Act = Callable[[Any, random.Random], Awaitable[object]]


async def count(store: Store[Any], chance: random.Random) -> None:
    await Counter(store, "a").increase(chance.randrange(-9, 9))


async def write(store: Store[Any], chance: random.Random) -> None:
    await LwwRegister(store, "a", lambda: chance.randrange(5)).write(str(chance.random()))


async def log(store: Store[Any], chance: random.Random) -> None:
    await LinkedLog(store, "a", lambda: chance.randrange(5), lambda: f"{chance.getrandbits(40):x}").append("x")


async def append(store: Store[Any], chance: random.Random) -> None:
    await BlobLog(store, "a", lambda: chance.randrange(100)).append(f"{chance.getrandbits(40):x}")


async def enqueue(store: Store[Any], chance: random.Random) -> None:
    line = Queue(store, "a", lambda: chance.randrange(5), lambda: f"{chance.getrandbits(40):x}")
    await (line.take() if chance.random() < 0.4 else line.put(str(chance.random())))


async def gather(store: Store[Any], chance: random.Random) -> None:
    found = OrSet(store, "a", lambda: f"{chance.getrandbits(40):x}")
    element = chance.choice("abc")
    await (found.discard(element) if chance.random() < 0.4 else found.add(element))


REPLICAS: dict[str, tuple[Contents[Any], Act]] = {
    "counter": (COUNTER, count),
    "register": (lww_register(TEXT), write),
    "blob log": (blob_log(TEXT), append),
    "linked log": (TEXT, log),
    "queue": (queue(TEXT), enqueue),
    "or-set": (or_set(TEXT), gather),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", REPLICAS)
async def test_three_replicas_converge_in_any_order_of_delivery(kind: str, seed: int) -> None:
    contents, act = REPLICAS[kind]
    chance = random.Random(f"{kind} {seed}")
    repo: Repo[Any] = Repo(MemoryBackend(), contents)
    replicas = [repo.of_branch(name) for name in ("a", "b", "c")]
    await act(replicas[0], chance)
    for other in replicas[1:]:
        await other.merge_with(replicas[0])
    for _ in range(25):
        if chance.random() < 0.6:
            await act(chance.choice(replicas), chance)
        else:
            one, other = chance.sample(replicas, 2)
            await one.merge_with(other)
    for one, other in chance.sample([*itertools.permutations(replicas, 2)] * 2, 12):
        await one.merge_with(other)
    trees = {(await store.tree()).hash() for store in replicas}
    assert len(trees) == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["blob log", "linked log", "queue"])
async def test_every_entry_is_there_once_until_it_is_taken(kind: str, seed: int) -> None:
    """Four repositories, whose clocks say what they like, exchange what they have in any order."""
    chance = random.Random(f"{kind} {seed}")
    types: dict[str, Contents[Any]] = {"blob log": blob_log(TEXT), "linked log": TEXT, "queue": queue(TEXT)}
    contents = types[kind]
    repos: list[Repo[Any]] = [Repo(MemoryBackend(), contents, now=lambda: 0, author=f"{n} <>") for n in range(4)]
    stores = [await repo.main() for repo in repos]
    numbers, names = itertools.count(), itertools.count()
    kinds: dict[str, Callable[[Store[Any]], Any]] = {
        "blob log": lambda store: BlobLog(store, "x", lambda: chance.randrange(1000)),
        "linked log": lambda store: LinkedLog(store, "x", lambda: chance.randrange(1000), lambda: f"{next(names):x}"),
        "queue": lambda store: Queue(store, "x", lambda: chance.randrange(1000), lambda: f"{next(names):x}"),
    }
    containers = [kinds[kind](store) for store in stores]
    wanted: set[str] = set()
    for _ in range(60):
        one, other = chance.sample(range(4), 2)
        if chance.random() < 0.4:
            wanted.add(value := str(next(numbers)))
            await (containers[one].put(value) if kind == "queue" else containers[one].append(value))
        elif kind == "queue" and chance.random() < 0.2:
            wanted.discard(await containers[one].take())
        elif await stores[other].commit() is not None:
            await pull(stores[one], remote(repos[other]))
    for one, other in [*itertools.permutations(range(4), 2)] * 2:
        await pull(stores[one], remote(repos[other]))
    for container in containers:
        assert sorted(await container.read_all()) == sorted(wanted)


@pytest.mark.parametrize(
    "octets", [b"1", b"1\n", b"01\nx\n", b"1\nxy", b"a 1\nx\n", b"A 1\nx\n", b"-1 1\nx\n", b"1 2\nx\n", b"\xff\n"]
)
def test_octets_that_are_no_entries(octets: bytes) -> None:
    with pytest.raises(ValueError, match="offset"):
        assert [fields for fields, _ in frames(octets, 2)]


def test_a_frame_holds_any_octets() -> None:
    octets = frame(("1", "a"), b"\n1 2\n\x00") + frame(("2", "b"), b"")
    assert [*frames(octets, 2)] == [(("1", "a"), b"\n1 2\n\x00"), (("2", "b"), b"")]


@pytest.mark.parametrize("octets", [b"", b"+1", b"01", b"1 ", b"x", b"-0"])
def test_a_counter_has_one_spelling(octets: bytes) -> None:
    with pytest.raises(ValueError):
        COUNTER.decode(octets)
