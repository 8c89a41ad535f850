"""The versioned store beside dulwich, pygit2, git, and what is known of OCaml's Irmin, in one run.

100 directories with 100 keys of 64 octets; a directory of 10,000 keys in rows of its own. In memory, rates are for a
second of the process's CPU time (its children's for `git fast-import`), so that a busy machine tells the same;
on disk they are the clock's. Every round runs all systems one after the other; a figure is the median.
Irmin 3.3 in OCaml was measured once, on another machine: absolute figures, to be taken with salt.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import irmin_peers as peers
from benchmarks.irmin_peers import FLAT, LAYOUT, Clock, by_cpu, cpu_clock, paths, scratch, shuffled, value
from benchmarks.table import Table
from fata.blocking import drive
from fata.irmin import BYTES, MemoryBackend, Repo, Store
from fata.irmin.backend.git import Durability, GitBackend, init
from fata.irmin.sync import clone, remote

ROUNDS = 3
TASKS = 16  # that commit at once
HISTORY = 100_000  # commits
LAST_MODIFIED_LIMIT = 0.050  # seconds
LCA_LIMIT = 1.0
CLONE_RATIO = 3.0


class Row(NamedTuple):
    """A piece of work: who does it how, the rate to be reached, and that of Irmin in OCaml (git's format, its own)."""

    title: str
    goal: float
    systems: dict[str, Callable[[], float]]
    ocaml: str = ""
    beside: tuple[tuple[str, float], ...] = ()  # peers, and how many times their rate is the goal


def filled(layout: list[str]) -> Store[bytes]:
    """Return a store in memory that has the layout."""
    store = drive(Repo(MemoryBackend(), BYTES).main())
    drive(store.set_all([(path, value(number)) for number, path in enumerate(layout)]))
    return store


def measured(work: Callable[[], Coroutine[Any, Any, None]], count: int) -> float:
    """Return how many of `count` a second of CPU time is enough for."""
    return by_cpu(lambda: drive(work()), count)


def changes(layout: list[str], count: int) -> float:
    """Commits that change one key of a layout."""
    store = filled(layout)

    async def work() -> None:
        for number, path in enumerate(shuffled(layout, count)):
            await store.set(path, value(number + 1_000_000), message="message")

    return measured(work, count)


def wide_changes(width: int, count: int) -> float:
    """Commits that change one key of a directory so wide, in our own format."""
    store = drive(Repo(MemoryBackend(), BYTES, hash="blake2b").main())
    layout = paths(1, width)
    drive(store.set_all([(path, value(number)) for number, path in enumerate(layout)]))

    async def work() -> None:
        for number, path in enumerate(shuffled(layout, count)):
            await store.set(path, value(number + 1_000_000), message="message")

    return measured(work, count)


def imports(count: int) -> float:
    """Paths in commits of 1,000."""
    store = drive(Repo(MemoryBackend(), BYTES).main())
    items = [(path, value(number)) for number, path in enumerate(shuffled(LAYOUT, count))]

    async def work() -> None:
        for start in range(0, count, 1000):
            await store.set_all(items[start : start + 1000])

    return measured(work, count)


def finds(count: int, in_hand: bool) -> float:
    """Look-ups, through the store or with its tree in hand."""
    store = filled(LAYOUT)
    asked = store if not in_hand else drive(store.tree())
    wanted = shuffled(LAYOUT, count)
    drive(asked.find(wanted[0]))

    async def work() -> None:
        for path in wanted:
            await asked.find(path)

    async def warm() -> None:
        for path in LAYOUT:
            await asked.find(path)

    drive(warm())
    return measured(work, count)


def merges(count: int) -> float:
    """Clone a branch, set a key on either side, merge."""
    store = filled(LAYOUT)
    wanted = shuffled(LAYOUT, 2 * count)

    async def work() -> None:
        for number in range(count):
            side = await store.clone(f"side-{number}")
            await side.set(wanted[2 * number], value(number))
            await store.set(wanted[2 * number + 1], value(number))
            await store.merge_with(side)

    return measured(work, count)


def on_disk(count: int, clock: Clock = time.perf_counter, durability: Durability = Durability.NONE) -> float:
    """Commits into a git directory that change one key."""
    with scratch() as directory:
        store = drive(filled_directory(directory, durability).main())

        async def work() -> None:
            for number, path in enumerate(shuffled(LAYOUT, count)):
                await store.set(path, value(number + 1_000_000), message="message")

        start = clock()
        drive(work())
        return count / (clock() - start)


def filled_directory(directory: Path, durability: Durability) -> Repo[bytes]:
    """Make a git directory that has the layout."""
    init(str(directory))
    repo = Repo(GitBackend(str(directory), durability=durability), BYTES)
    store = drive(repo.main())
    drive(store.set_all([(path, value(number)) for number, path in enumerate(LAYOUT)]))
    return repo


def at_once_on_disk(count: int, durability: Durability, tasks: int = TASKS) -> float:
    """Commits that as many tasks make at once, each on a branch of its own."""

    async def commits(store: Store[bytes], start: int) -> None:
        for number, path in enumerate(shuffled(LAYOUT, count // tasks), start):
            await store.set(path, value(number + 1_000_000), message="message")

    async def work(repo: Repo[bytes]) -> float:
        main = await repo.main()
        stores = [await main.clone(f"branch-{number}") for number in range(tasks)]
        start = time.perf_counter()
        await asyncio.gather(*(commits(store, number * count) for number, store in enumerate(stores)))
        rate = count / (time.perf_counter() - start)
        await repo.close()
        return rate

    with scratch() as directory:
        return asyncio.run(work(filled_directory(directory, durability)))


MEMORY = (
    Row(
        "commits to a store of one file",
        20_000,
        {"fata": partial(changes, ["file"], 10_000), "dulwich": partial(peers.dulwich_changes, ["file"], 2000)},
        "5.1 k, 9.5 k",
    ),
    Row(
        "commits, 1 key of 10 k in 100 directories",
        5000,
        {
            "fata": partial(changes, LAYOUT, 5000),
            "dulwich": partial(peers.dulwich_changes, LAYOUT, 300),
            "fast-import": partial(peers.fast_import_changes, LAYOUT, 5000),
        },
        beside=(("dulwich", 6), ("fast-import", 6)),
    ),
    Row(
        "commits, 1 key of 10 k in one directory",
        0,
        {
            "fata": partial(changes, FLAT, 500),
            "dulwich": partial(peers.dulwich_changes, FLAT, 20),
            "fast-import": partial(peers.fast_import_changes, FLAT, 200),
        },
    ),
    Row("the same with BLAKE2b and inodes", 0, {"fata": partial(wide_changes, 10_000, 2000)}),
    Row("the same, 1 key of 200 k in one directory", 0, {"fata": partial(wide_changes, 200_000, 1000)}),
    Row(
        "paths in commits of 1,000",
        80_000,
        {
            "fata": partial(imports, 50_000),
            "dulwich": partial(peers.dulwich_imports, 10_000),
            "fast-import": partial(peers.fast_import_paths, 50_000),
        },
        "77 k, 138 k",
    ),
    Row(
        "find, through the store",
        130_000,
        {"fata": partial(finds, 50_000, False), "dulwich": partial(peers.dulwich_finds, 500)},
        "128 k, 115 k",
    ),
    Row(
        "find, the tree in hand",
        600_000,
        {"fata": partial(finds, 100_000, True), "dulwich": partial(peers.dulwich_finds, 500)},
        "672 k, 550 k",
    ),
    Row("clone, two sets, merge", 1000, {"fata": partial(merges, 500)}, "559, 943"),
)
DISK = (
    *(
        Row(
            f"commits, 1 key of 10 k, files not forced to disk, {per}",
            0,
            {
                "fata": partial(on_disk, 400, clock),
                "pygit2": partial(peers.pygit2_changes, 200, clock),
                "dulwich": partial(peers.dulwich_disk_changes, 40, clock),
                "git": partial(peers.git_changes, 5, clock),
            },
            beside=(("git", 10), ("pygit2", 3)),
        )
        for per, clock in (("per second", time.perf_counter), ("per second of CPU time", cpu_clock))
    ),
    Row(
        "commits, 1 key of 10 k, on the disk when told (SYNC; ENABLE_FSYNC_GITDIR; core.fsync=all), per second",
        0,
        {
            "fata": partial(on_disk, 200, durability=Durability.SYNC),
            "pygit2": partial(peers.pygit2_changes, 40, forced=True),
            "git": partial(peers.git_changes, 5, forced=True),
        },
        beside=(("git", 10), ("pygit2", 3)),
    ),
    Row(
        f"the same, {TASKS} branches; fata: {TASKS} tasks at once, others: one after another",
        0,
        {
            "fata": partial(at_once_on_disk, 800, Durability.SYNC),
            "pygit2": partial(peers.pygit2_changes, 48, forced=True, branches=TASKS),
            "git": partial(peers.git_changes, 5, forced=True),
        },
        beside=(("git", 10), ("pygit2", 3)),
    ),
)
SYSTEMS = ("fata", "dulwich", "pygit2", "git", "fast-import")


def report(table: Table, row: Row) -> bool:
    """Measure a row and print it; say whether its goal was missed."""
    rates: dict[str, list[float]] = {name: [] for name in row.systems}
    for _ in range(ROUNDS):
        for name, work in row.systems.items():
            rates[name].append(work())
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ours = medians["fata"]
    goals = [f"{row.goal:,.0f}"] if row.goal else []
    missed = ours < row.goal
    for name, times in row.beside:
        goals.append(f"{times:g} × {name}: {ours / medians[name]:.1f} ×")
        missed = missed or ours < times * medians[name]
    shown = [float(f"{medians[name]:.3g}") if name in medians else "-" for name in SYSTEMS]
    table.row(row.title, *shown, row.ocaml, "; ".join(goals), "missed" if missed else "")
    return missed


def history() -> list[tuple[str, float, float]]:
    """Make 100,000 commits, half on one branch and half on another; time questions about them."""
    world = Repo(MemoryBackend(), BYTES)
    store = drive(world.main())
    layout = paths(100, 99)
    drive(store.set_all([(path, value(number)) for number, path in enumerate(layout)]))
    drive(store.set("d000/rare", b"1"))
    start = drive(store.commit())
    rows = []

    async def extend(side: Store[bytes], count: int) -> None:
        for number, path in enumerate(shuffled(layout, count)):
            await side.set(path, value(number + 1_000_000), message=side.branch or "")

    drive(extend(store, HISTORY))
    assert drive(store.last_modified("d000/rare")) == [start]
    rows.append(
        ("last_modified, of 100 k commits", timed(lambda: drive(store.last_modified("d000/rare"))), LAST_MODIFIED_LIMIT)
    )
    side = world.of_branch("side")
    assert start is not None
    drive(world.branches.set("side", start))
    drive(extend(side, HISTORY // 2))
    assert drive(store.lcas(side)) == [start]
    rows.append(("common ancestor, 100 k and 50 k commits back", timed(lambda: drive(store.lcas(side))), LCA_LIMIT))
    cold = Repo(world.backend, BYTES)
    rows.append(
        (
            "the same, in a repository just opened",
            timed(lambda: drive(cold.of_branch("main").lcas("side")), 1),
            LCA_LIMIT,
        )
    )
    rows.append(("the same, in a git directory just opened", cold_on_disk(), LCA_LIMIT))
    return [*rows, *made_by_git()]


def made_by_git() -> list[tuple[str, float, float]]:
    """Have git make 100,000 commits in the layout; ask what changed a path last, in repositories just opened."""
    rows = []
    with scratch() as directory:
        peers.git_layout_history(directory, LAYOUT, HISTORY)
        for what, options in (("nothing beside them", None), ("a commit graph", ()), ("filters", ("--changed-paths",))):
            if options is not None:
                peers.git_commit_graph(directory, *options)
            store = Repo(GitBackend(str(directory)), BYTES).of_branch("main")
            seconds = asked(store)
            rows.append((f"last_modified, 100 k commits by git, just opened, {what}", seconds, LAST_MODIFIED_LIMIT))
        rows.append(("the same, asked again", asked(store), LAST_MODIFIED_LIMIT))
    return rows


def asked(store: Store[bytes]) -> float:
    """Return the seconds it takes to say what changed a path last."""
    return timed(lambda: drive(store.last_modified("rare")), 1)


def cold_on_disk() -> float:
    """Have git make 100,000 commits on one branch and 50,000 on another; open that, ask for the common ancestor."""
    with scratch() as directory:
        peers.git_history(directory, HISTORY, HISTORY // 2)
        start = time.process_time()
        store = Repo(GitBackend(str(directory)), BYTES).of_branch("main")
        assert len(drive(store.lcas("side"))) == 1
        return time.process_time() - start


def timed(work: Callable[[], object], times: int = ROUNDS) -> float:
    """Return the median of seconds of CPU time."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def clones() -> tuple[float, float]:
    """Clone a repository of some 10,000 objects: seconds of ours, and of git's."""
    with scratch() as source:
        init(str(source))
        store = drive(Repo(GitBackend(str(source)), BYTES).main())
        drive(store.set_all([(path, value(number)) for number, path in enumerate(LAYOUT)]))
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(clone_by_us(source))
            theirs.append(peers.git_clones(source))
    return statistics.median(ours), statistics.median(theirs)


def clone_by_us(source: Path) -> float:
    """Clone a git directory into another; return the seconds."""
    with scratch() as target:
        init(str(target))
        start = time.perf_counter()
        asyncio.run(clone(Repo(GitBackend(str(target)), BYTES), remote(str(source))))
        return time.perf_counter() - start


def main() -> int:
    """Print the tables."""
    headings = ("work", *SYSTEMS, "Irmin in OCaml: git, own format", "goal", "")
    with Table("irmin: in memory, per second of CPU time", *headings) as table:
        missed = [row.title for row in MEMORY if report(table, row)]
    with Table("irmin: a git directory", *headings) as table:
        missed += [row.title for row in DISK if report(table, row)]
    with Table("irmin: histories and clones", "work", "seconds", "git's", "goal", "") as table:
        for title, seconds, limit in history():
            table.row(title, seconds, "-", f"{limit:g} s", "missed" if seconds > limit else "")
            missed += [title] if seconds > limit else []
        ours, theirs = clones()
        slow = ours > CLONE_RATIO * theirs
        table.row("clone 10 k objects, on disk", ours, theirs, f"{CLONE_RATIO:g} × git's", "missed" if slow else "")
        missed += ["clone"] if slow else []
    for title in missed:
        print(f"irmin: goal missed: {title}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
