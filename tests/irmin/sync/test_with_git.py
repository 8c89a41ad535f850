"""Synchronisation with real git, over each of its protocols."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fata.blocking import blocking, drive
from fata.irmin import TEXT, MemoryBackend, Repo
from fata.irmin.backend.git import GitBackend, init
from fata.irmin.errors import Conflict, NotFound, PushRejected, RemoteError
from fata.irmin.sync import clone, fetch, pull, push, remote
from tests.certificates import Authority
from tests.irmin.sync.servers import bare, daemon, git, smart_http

pytestmark = pytest.mark.peer

PROTOCOLS = ("file", "git", "http", "https")


class Server:
    """A bare repository with a history, and its URL."""

    def __init__(self, path: Path, url: str, **options: Any) -> None:
        self.path = path
        self.url = url
        self.options = options

    def remote(self) -> Any:
        return remote(self.url, **self.options)

    def work(self, folder: Path) -> Path:
        """Clone it with git, for somebody who works there."""
        git(folder, "clone", "--quiet", str(self.path), "work")
        return folder / "work"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a history, made once: git takes its time."""
    folder = tmp_path_factory.mktemp("seeded")
    path = bare(folder / "wiki.git")
    seed(folder / "seed", path)
    return path


@pytest.fixture(params=PROTOCOLS)
def server(request: pytest.FixtureRequest, seeded: Path, tmp_path: Path) -> Iterator[Server]:
    path = tmp_path / "served" / "wiki.git"
    shutil.copytree(seeded, path)
    with ExitStack() as stack:
        base, options = tmp_path / "served", dict[str, Any]()
        if request.param == "file":
            url = f"file://{base}"
        elif request.param == "git":
            url = stack.enter_context(daemon(base))
        elif request.param == "http":
            url = stack.enter_context(smart_http(base, token="Bearer secret"))
            options["headers"] = {"Authorization": "Bearer secret"}
        else:
            authority = Authority(tmp_path)
            url = stack.enter_context(smart_http(base, authority.issue("localhost", "127.0.0.1")))
            options["ca_file"] = str(authority.certificate)
        yield Server(path, f"{url}/wiki.git", **options)


def seed(work: Path, into: Path) -> None:
    """Make a history with a merge, an executable file, a tag and packed objects."""
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    for number in range(30):
        (work / f"page{number % 7}.md").write_text(f"line {number}\n" * 50)
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message", f"change {number}")
    git(work, "checkout", "--quiet", "-b", "side", "HEAD~3")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "aside")
    git(work, "checkout", "--quiet", "main")
    git(work, "merge", "--quiet", "--no-ff", "--message", "merged", "side")
    git(work, "tag", "--annotate", "--message", "one", "v1")
    git(work, "push", "--quiet", "--tags", str(into), "main", "side")
    git(into, "gc", "--quiet")


@pytest.mark.parametrize("backend", ["memory", "git"])
def test_clone_change_push_pull(server: Server, backend: str, tmp_path: Path) -> None:
    there = MemoryBackend() if backend == "memory" else GitBackend(init(str(tmp_path / "here.git")))

    async def scenario() -> None:
        repo = Repo(there, TEXT, author="Ann <ann@example.org>")
        store = await clone(repo, server.remote())
        assert await repo.branches.list() == ["main", "side"]
        assert await store.get("page1.md") == "line 29\n" * 50
        await store.set("new/page.md", "hello\n", message="from here")
        assert await push(store, server.remote())
        assert not await push(store, server.remote()), "there is nothing new"

        work = server.work(tmp_path)
        assert (work / "new" / "page.md").read_text() == "hello\n"
        (work / "theirs.md").write_text("theirs\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message", "from there")
        git(work, "push", "--quiet")
        await store.set("ours.md", "ours\n", message="meanwhile")
        with pytest.raises(PushRejected, match="pull first"):
            await push(store, server.remote())
        assert await pull(store, server.remote(), message="merge") is not None
        assert await pull(store, server.remote()) is None, "there is nothing new"
        assert await push(store, server.remote())
        git(work, "pull", "--quiet", "--ff-only")
        assert {"ours.md", "theirs.md"} <= {path.name for path in work.iterdir()}
        await repo.close()

    asyncio.run(scenario())
    git(server.path, "fsck", "--strict")
    if backend == "git":
        git(tmp_path / "here.git", "fsck", "--strict")


def test_shallow_then_deeper(server: Server, tmp_path: Path) -> None:
    here = init(str(tmp_path / "here.git"))

    async def scenario() -> None:
        repo = Repo(GitBackend(here), TEXT)
        store = await clone(repo, server.remote(), depth=2)
        assert await store.get("page1.md") == "line 29\n" * 50
        assert len(git(Path(here), "log", "--oneline").splitlines()) == 3, "the merge and both its parents"
        git(Path(here), "fsck", "--strict")
        await store.set("a", "b")
        assert await push(store, server.remote()), "from a shallow clone as well"
        await repo.close()

    asyncio.run(scenario())
    git(server.path, "fsck", "--strict")


def test_without_an_event_loop(server: Server) -> None:
    repo = Repo(MemoryBackend(), TEXT)
    store = drive(clone(repo, server.remote()))
    blocking(store).set("x", "y")
    assert drive(push(store, server.remote()))


def test_a_conflict_leaves_the_store_as_it_was(server: Server, tmp_path: Path) -> None:
    async def scenario() -> None:
        repo = Repo(MemoryBackend(), TEXT)
        store = await clone(repo, server.remote())
        work = server.work(tmp_path)
        (work / "page0.md").write_text("theirs")
        git(work, "commit", "--quiet", "--all", "--message", "x")
        git(work, "push", "--quiet")
        head = await store.set("page0.md", "ours")
        with pytest.raises(Conflict) as caught:
            await pull(store, server.remote())
        assert (caught.value.path, caught.value.theirs) == (("page0.md",), "theirs")
        assert await store.commit() == head
        assert await pull(store, server.remote(), strategy="set") is not None
        assert await store.get("page0.md") == "theirs"

    asyncio.run(scenario())


def test_what_is_not_there(server: Server) -> None:
    async def scenario() -> None:
        store = Repo(MemoryBackend(), TEXT).of_branch("nobody")
        assert await fetch(store, server.remote()) is None
        with pytest.raises(NotFound, match="nobody"):
            await pull(store, server.remote())
        with pytest.raises(NotFound):
            await push(store, server.remote())

    asyncio.run(scenario())


def test_a_url_that_leads_nowhere(tmp_path: Path) -> None:
    with daemon(tmp_path) as url, pytest.raises(RemoteError, match="nothing"):
        drive(remote(f"{url}/nothing.git").refs())
    with smart_http(tmp_path) as url, pytest.raises(RemoteError):
        drive(remote(f"{url}/nothing.git").refs())
    with pytest.raises(RemoteError):
        drive(remote("git://127.0.0.1:1/x").refs())


def test_a_server_whose_certificate_is_not_trusted(tmp_path: Path) -> None:
    bare(tmp_path / "x.git")
    certificate = Authority(tmp_path).issue("localhost", "127.0.0.1")
    with smart_http(tmp_path, certificate) as url, pytest.raises(RemoteError, match="ertificate"):
        drive(remote(f"{url}/x.git").refs())
