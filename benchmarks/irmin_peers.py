"""What the store's peers do in benchmarks/irmin.py: dulwich in memory and on disk, pygit2, git itself.

Each function does a piece of work so many times and returns how many of it a second allows: of its own CPU time where
it works in memory, of the clock where it writes files.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pygit2
from dulwich.object_store import BaseObjectStore, MemoryObjectStore, tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.repo import Repo

NOW = 1_700_000_000
WHO = b"bench <bench@example.org>"


def value(number: int) -> bytes:
    """Return contents of 64 octets."""
    return b"v%063d" % number


def paths(directories: int, keys: int) -> list[str]:
    """Return the layout: so many directories with so many keys each."""
    if directories == 1:
        return [f"k{key:05}" for key in range(keys)]
    return [f"d{directory:03}/k{key:03}" for directory in range(directories) for key in range(keys)]


LAYOUT = paths(100, 100)
FLAT = paths(1, 10_000)


def shuffled(layout: list[str], count: int) -> list[str]:
    """Return paths of a layout in an order that jumps about."""
    return [layout[number * 3701 % len(layout)] for number in range(count)]


Clock = Callable[[], float]


def cpu_clock() -> float:
    """Return the seconds of CPU time of this process and of those that it waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def by_cpu(work: Callable[[], object], count: int) -> float:
    """Return how many of `count` pieces of work one second of CPU time is enough for."""
    start = time.process_time()
    work()
    return count / (time.process_time() - start)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory on the disk that temporary files are on. It goes when the program ends, not before.

    For seconds after thousands of files were removed ext4 makes new ones several times more slowly (it passes over
    inodes that were freed a moment ago), so whoever came next would pay for whoever went before.
    """
    name = tempfile.mkdtemp(prefix="fata-bench-")
    atexit.register(shutil.rmtree, name, ignore_errors=True)
    yield Path(name)


def dulwich_commit(store: BaseObjectStore, root: Tree, path: str, content: bytes, parent: bytes | None) -> bytes:
    """Commit one changed key, the way that dulwich's documentation does it."""
    blob = Blob.from_string(content)
    store.add_object(blob)
    *above, name = path.encode().split(b"/")
    tree = store[root[above[0]][1]] if above else root
    assert isinstance(tree, Tree)
    tree[name] = (0o100644, blob.id)
    store.add_object(tree)
    if above:
        root[above[0]] = (0o40000, tree.id)
        store.add_object(root)
    commit = Commit()
    commit.tree = root.id
    commit.parents = [ObjectID(parent)] if parent else []
    commit.author = commit.committer = WHO
    commit.author_time = commit.commit_time = NOW
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = b"message\n"
    store.add_object(commit)
    return commit.id


def dulwich_tree(store: BaseObjectStore, layout: list[str]) -> Tree:
    """Make the tree of a layout."""
    root = Tree()
    trees: dict[bytes, Tree] = {}
    for number, path in enumerate(layout):
        blob = Blob.from_string(value(number))
        store.add_object(blob)
        *above, name = path.encode().split(b"/")
        (trees.setdefault(above[0], Tree()) if above else root)[name] = (0o100644, blob.id)
    for directory, tree in trees.items():
        store.add_object(tree)
        root[directory] = (0o40000, tree.id)
    store.add_object(root)
    return root


def dulwich_changes(layout: list[str], count: int, store: BaseObjectStore | None = None) -> float:
    """Commits a second that change one key of a layout."""
    store = MemoryObjectStore() if store is None else store
    root = dulwich_tree(store, layout)

    def work() -> None:
        head = None
        for number, path in enumerate(shuffled(layout, count)):
            head = dulwich_commit(store, root, path, value(number + 1_000_000), head)

    return by_cpu(work, count)


def dulwich_imports(count: int) -> float:
    """Paths a second, 1,000 in a commit, into an empty store."""

    def work() -> None:
        store = MemoryObjectStore()
        dulwich_tree(store, shuffled(LAYOUT, count))

    return by_cpu(work, count)


def dulwich_finds(count: int) -> float:
    """Look-ups a second."""
    store = MemoryObjectStore()
    root = dulwich_tree(store, LAYOUT).id

    def work() -> None:
        for path in shuffled(LAYOUT, count):
            _, oid = tree_lookup_path(store.__getitem__, root, path.encode())
            blob = store[oid]
            assert isinstance(blob, Blob)
            blob.data  # noqa: B018 – reading it is the work

    return by_cpu(work, count)


def fast_import(commands: bytes, count: int) -> float:
    """Feed `git fast-import`, which is C and writes packs; return commits or paths for each second of its CPU time."""
    with scratch() as directory:
        subprocess.run(["git", "init", "-q", "--bare", directory], check=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["git", "-C", directory, "fast-import", "--quiet"], input=commands, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return count / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def fast_import_commit(changes: list[tuple[str, bytes]]) -> bytes:
    """Write a commit for `git fast-import`."""
    lines = [b"commit refs/heads/main\ncommitter %b %d +0000\ndata 8\nmessage\n\n" % (WHO, NOW)]
    lines += [b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data) for path, data in changes]
    return b"".join(lines)


def fast_import_changes(layout: list[str], count: int) -> float:
    """Commits a second that change one key of a layout; the first commit, which makes it, counts as work, too."""
    first = fast_import_commit([(path, value(number)) for number, path in enumerate(layout)])
    changes = enumerate(shuffled(layout, count))
    commits = [fast_import_commit([(path, value(number + 1_000_000))]) for number, path in changes]
    return fast_import(first + b"".join(commits), count)


def fast_import_paths(count: int) -> float:
    """Paths a second, 1,000 in a commit."""
    all_paths = list(enumerate(shuffled(LAYOUT, count)))
    batches = [all_paths[start : start + 1000] for start in range(0, count, 1000)]
    commits = [fast_import_commit([(path, value(number)) for number, path in batch]) for batch in batches]
    return fast_import(b"".join(commits), count)


def pygit2_changes(count: int, clock: Clock = time.perf_counter, *, forced: bool = False, branches: int = 1) -> float:
    """Commits a second into a git directory on disk, on one branch after another."""
    with scratch() as directory:
        repo = pygit2.init_repository(str(directory), bare=True)
        person = pygit2.Signature("bench", "bench@example.org")
        root = _pygit2_tree(repo)
        refs = [f"refs/heads/branch-{number}" for number in range(branches)]
        first = repo.create_commit("refs/heads/main", person, person, "message", root, [])
        heads = {ref: repo.create_commit(ref, person, person, "message", root, [first]) for ref in refs}
        roots = dict.fromkeys(refs, root)
        pygit2.option(pygit2.enums.Option.ENABLE_FSYNC_GITDIR, forced)
        start = clock()
        for number, path in enumerate(shuffled(LAYOUT, count)):
            ref = refs[number % branches]
            above, _, name = path.partition("/")
            tree: Any = repo[roots[ref]]
            inner = repo.TreeBuilder(tree[above])
            inner.insert(name, repo.create_blob(value(number + 1_000_000)), pygit2.enums.FileMode.BLOB)
            outer = repo.TreeBuilder(tree)
            outer.insert(above, inner.write(), pygit2.enums.FileMode.TREE)
            roots[ref] = outer.write()
            heads[ref] = repo.create_commit(ref, person, person, "message", roots[ref], [heads[ref]])
        used = clock() - start
        pygit2.option(pygit2.enums.Option.ENABLE_FSYNC_GITDIR, False)
        return count / used


def _pygit2_tree(repo: Any) -> Any:
    top = repo.TreeBuilder()
    trees: dict[str, Any] = {}
    for number, path in enumerate(LAYOUT):
        above, _, name = path.partition("/")
        builder = trees.setdefault(above, repo.TreeBuilder())
        builder.insert(name, repo.create_blob(value(number)), pygit2.enums.FileMode.BLOB)
    for above, builder in trees.items():
        top.insert(above, builder.write(), pygit2.enums.FileMode.TREE)
    return top.write()


def dulwich_disk_changes(count: int, clock: Clock = time.perf_counter) -> float:
    """Commits a second into a git directory on disk."""
    with scratch() as directory, Repo.init_bare(str(directory)) as repo:
        store = repo.object_store
        root = dulwich_tree(store, LAYOUT)
        head: bytes | None = None
        start = clock()
        for number, path in enumerate(shuffled(LAYOUT, count)):
            head = dulwich_commit(store, root, path, value(number + 1_000_000), head)
            repo.refs[b"refs/heads/main"] = ObjectID(head)  # type: ignore[index]
        return count / (clock() - start)


def git_changes(count: int, clock: Clock = time.perf_counter, *, forced: bool = False) -> float:
    """Commits a second of the git command, which needs a work tree and an index for it: add, commit."""
    with scratch() as directory:
        git = ["git", "-C", str(directory), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        git += ["-c", f"core.fsync={'all' if forced else 'none'}"]
        subprocess.run([*git, "init", "-q"], check=True)
        for number, path in enumerate(LAYOUT):
            place = directory / path
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(value(number))
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "message"], check=True)
        start = clock()
        for number, path in enumerate(shuffled(LAYOUT, count)):
            (directory / path).write_bytes(value(number + 1_000_000))
            subprocess.run([*git, "add", path], check=True)
            subprocess.run([*git, "commit", "-q", "-m", "message"], check=True)
        return count / (clock() - start)


def git_history(directory: Path, main: int, side: int) -> None:
    """Make two long branches with one ancestor in common, and the commit graph that `git gc` would write."""
    commands = [fast_import_commit([("file", b"base")]), b"reset refs/heads/side\nfrom refs/heads/main\n\n"]
    commands += [fast_import_commit([("file", b"%d" % number)]) for number in range(main)]
    commands += [
        fast_import_commit([("file", b"side %d" % number)]).replace(b"refs/heads/main", b"refs/heads/side", 1)
        for number in range(side)
    ]
    subprocess.run(["git", "init", "-q", "--bare", directory], check=True)
    subprocess.run(["git", "-C", directory, "fast-import", "--quiet"], input=b"".join(commands), check=True)
    subprocess.run(["git", "-C", directory, "commit-graph", "write", "--reachable", "--no-progress"], check=True)


def git_layout_history(directory: Path, layout: list[str], count: int) -> None:
    """Make commits that change one key of a layout each, after one that adds a file "rare"."""
    commits = [fast_import_commit([(path, value(number)) for number, path in enumerate(layout)])]
    commits.append(fast_import_commit([("rare", b"1")]))
    commits += [fast_import_commit([(path, value(n + 1_000_000))]) for n, path in enumerate(shuffled(layout, count))]
    subprocess.run(["git", "init", "-q", "--bare", directory], check=True)
    subprocess.run(["git", "-C", directory, "fast-import", "--quiet"], input=b"".join(commits), check=True)


def git_commit_graph(directory: Path, *options: str) -> None:
    """Have git write its commit graph anew."""
    (directory / "objects/info/commit-graph").unlink(missing_ok=True)
    command = ["git", "-C", str(directory), "commit-graph", "write", "--reachable", "--no-progress", *options]
    subprocess.run(command, check=True)


def git_clones(source: Path) -> float:
    """Seconds that git needs to clone a repository, as over a network: objects are sent, not linked."""
    with scratch() as directory:
        start = time.perf_counter()
        command = ["git", "clone", "-q", "--bare", f"file://{source}", str(directory / "clone")]
        subprocess.run(command, check=True, env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"})
        return time.perf_counter() - start
