"""Files that are written again: never while somebody else could see it."""

from __future__ import annotations

import fcntl
import gc
import mmap
import os
from pathlib import Path

import pytest

from fata.blocking import drive
from fata.irmin import BYTES, Repo, Store
from fata.irmin.backend.git import GitBackend, init, rewritable
from fata.irmin.backend.git.directory import HOT
from fata.irmin.backend.git.growing import FAN
from fata.irmin.backend.git.rewritable import Rewritable, Workshop
from fata.irmin.backend.git.small_packs import PackFiles, SmallPacks
from tests.irmin.git import assert_sound, git

pytestmark = pytest.mark.peer

SETTLED = HOT + 5 * FAN  # commits after which files are written again


@pytest.fixture(autouse=True)
def leases(tmp_path: Path) -> None:
    """Ask the kernel itself: were it asked through what is tested here, a mistake there would skip all of this."""
    path = tmp_path / "probe"
    with path.open("xb") as probe:
        try:
            os.link(path, tmp_path / "link")
            fcntl.fcntl(probe, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError:
            pytest.skip("the file system that temporary files are on has no leases, or no links")
    path.unlink()
    (tmp_path / "link").unlink()


@pytest.fixture
def file(tmp_path: Path) -> Rewritable:
    made = Workshop(str(tmp_path)).make(b"former", 0o444)
    assert made is not None
    return made


def test_a_file_that_nobody_sees_is_written_again(file: Rewritable) -> None:
    for octets in (b"longer than before", b"short", b""):
        assert file.claim()
        file.rewrite(octets)
        assert Path(file.path).read_bytes() == octets


def test_not_while_somebody_has_it_open(file: Rewritable) -> None:
    with Path(file.path).open("rb") as reader:
        assert not file.claim()
        assert reader.read() == b"former"
    assert file.claim()


def test_not_while_somebody_has_it_mapped(file: Rewritable) -> None:
    with Path(file.path).open("rb") as reader:
        mapped = mmap.mmap(reader.fileno(), 0, access=mmap.ACCESS_READ)
    assert not file.claim()
    mapped.close()
    assert file.claim()


def test_not_while_it_has_another_name(file: Rewritable, tmp_path: Path) -> None:
    os.link(file.path, tmp_path / "clone")
    assert not file.claim()
    os.unlink(tmp_path / "clone")
    assert file.claim()


def test_not_under_another_name_only(file: Rewritable, tmp_path: Path) -> None:
    os.link(file.path, tmp_path / "clone")
    os.unlink(file.path)
    assert not file.claim()
    Path(file.path).write_bytes(b"somebody else's")
    assert not file.claim()


def test_not_by_a_fork(file: Rewritable) -> None:
    child = os.fork()
    if not child:
        os._exit(file.claim())
    assert os.waitpid(child, 0)[1] == 0
    assert file.claim()


@pytest.fixture
def packs(tmp_path: Path) -> SmallPacks:
    return SmallPacks(Workshop(str(tmp_path)))


def written(packs: SmallPacks) -> PackFiles:
    files = packs.write(b"pack", b"index")
    assert files is not None
    return files


def test_a_small_pack_is_written_over_a_round_after_it_went(packs: SmallPacks, tmp_path: Path) -> None:
    first = written(packs)
    packs.retire(f"{tmp_path}/pack", first)
    packs.reuse()
    assert written(packs) is not first, "somebody may be about to open it"
    packs.reuse()
    assert written(packs) is first


@pytest.mark.parametrize("which", [0, 1])
def test_a_small_pack_that_somebody_reads_is_never_written_over(packs: SmallPacks, tmp_path: Path, which: int) -> None:
    first = written(packs)
    packs.retire(f"{tmp_path}/pack", first)
    with Path(first[which].path).open("rb"):
        packs.reuse()
        packs.reuse()
        assert written(packs) is not first


def test_a_file_system_without_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rewritable, "claim", lambda _: False)
    store, repo = opened(tmp_path / "repo")
    commit(store, SETTLED)
    assert drive(store.find("dir/0")) == b"0"
    drive(repo.close())
    assert_sound(tmp_path / "repo")


@pytest.mark.parametrize("more", [0, 3])
def test_a_process_that_has_many_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    gc.collect()  # or what others left open is closed in the midst of this
    before = len(os.listdir("/proc/self/fd"))
    lowest = os.dup(0)
    os.close(lowest)
    monkeypatch.setattr(rewritable, "MOST_OPEN", lowest + more)
    store, repo = opened(tmp_path)
    commit(store, 3 * FAN)
    assert len(os.listdir("/proc/self/fd")) - before < more + 3
    drive(repo.close())
    assert_sound(tmp_path)


def opened(directory: Path) -> tuple[Store[bytes], Repo[bytes]]:
    init(str(directory))
    repo = Repo(GitBackend(str(directory)), BYTES)
    return drive(repo.main()), repo


def commit(store: Store[bytes], count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        drive(store.set(f"dir/{number}", b"%d" % number))


def workshop(directory: Path) -> Path:
    found = next(directory.glob("objects/tmp_objdir-*"))
    assert isinstance(found, Path)
    return found


def test_files_are_made_once_and_all_but_packs_go_in_the_end(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    commit(store, SETTLED)
    before = sorted(workshop(tmp_path).iterdir())
    commit(store, 5 * FAN, SETTLED)
    assert sorted(workshop(tmp_path).iterdir()) == before
    drive(repo.close())
    assert not [path for path in tmp_path.rglob("*") if "tmp_obj" in path.name]
    assert_sound(tmp_path)
    commit(store, 2 * FAN, SETTLED + 5 * FAN)  # a repository may be used after it was closed
    drive(repo.close())
    assert_sound(tmp_path)
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == SETTLED + 7 * FAN


def test_a_round_of_commits_lies_between_losing_a_name_and_being_written_again(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    seen: dict[int, int] = {}  # inodes of small packs' indexes, and in which commit they had a name last
    gaps = []
    for number in range(HOT + 18 * FAN):  # packs are joined twice, too
        commit(store, 1, number)
        for path in tmp_path.glob("objects/pack/*.idx"):
            inode = path.stat().st_ino
            gaps.append(number - seen.get(inode, number))
            seen[inode] = number
    assert max(gaps) >= FAN
    assert all(gap <= 1 or gap >= FAN for gap in gaps)
    drive(repo.close())


@pytest.mark.slow
def test_clones_that_are_links_stay_as_they_are(tmp_path: Path) -> None:
    store, repo = opened(tmp_path / "source")
    commit(store, HOT)
    for number in range(4 * FAN):
        commit(store, 1, HOT + number)
        if number % 5 == 0:
            git(tmp_path, "clone", "-q", "--local", "--bare", "source", f"clone-{number}")
    drive(repo.close())
    for number in range(0, 4 * FAN, 5):
        assert_sound(tmp_path / f"clone-{number}")
        found = git(tmp_path / f"clone-{number}", "show", f"main:dir/{HOT + number}")
        assert found == b"%d" % (HOT + number)


def test_what_killed_writers_have_left_is_collected(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    commit(store, SETTLED)
    abandoned, fresh = tmp_path / "objects/tmp_objdir-fata-1-0", tmp_path / "objects/tmp_objdir-fata-1-1"
    for directory in (abandoned, fresh):
        directory.mkdir()
        (directory / "1_0").write_bytes(b"scrap")
    for path in (abandoned / "1_0", abandoned):
        os.utime(path, (0, 0))
    drive(repo.collect())
    assert fresh.exists()
    assert not abandoned.exists()
    assert workshop(tmp_path).exists()
    other = Repo(GitBackend(str(tmp_path), prune_age=-1), BYTES)  # for which everything is old
    drive(other.collect())
    commit(store, 3 * FAN, SETTLED)
    drive(repo.close())
    assert_sound(tmp_path)


def test_a_reader_of_a_former_reference_sees_it_unchanged(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    commit(store, SETTLED)
    with (tmp_path / "refs/heads/main").open("rb", buffering=0) as reader:
        before = git(tmp_path, "rev-parse", "main")
        commit(store, 10, SETTLED)
        assert reader.read() == before
    drive(repo.close())


def test_a_reference_that_is_linked_elsewhere_stays_as_it_is(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    commit(store, SETTLED)
    backups = []
    for number in range(4):
        backups.append((tmp_path / f"backup-{number}", git(tmp_path, "rev-parse", "main")))
        os.link(tmp_path / "refs/heads/main", backups[-1][0])
        commit(store, 1, SETTLED + number)
    assert [path.read_bytes() for path, _ in backups] == [value for _, value in backups]
    drive(repo.close())


def test_forks_do_not_write_into_each_others_files(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    commit(store, SETTLED)
    child = os.fork()
    for number in range(6 * FAN):
        drive(store.set(f"{'child' if not child else 'parent'}/{number}", b"%d" % number, retries=1000))
    drive(repo.close())
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert_sound(tmp_path)
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == SETTLED + 12 * FAN


def test_what_others_do_to_a_reference_is_seen(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    commit(store, SETTLED)
    oids = git(tmp_path, "log", "--format=%H", "main").decode().split()
    ref = tmp_path / "refs/heads/main"
    for number, oid in enumerate(oids[2:8]):
        if number % 3 == 0:
            git(tmp_path, "update-ref", "refs/heads/main", oid)
        elif number % 3 == 1:
            ref.write_bytes(oid.encode() + b"\n")  # as git never would
        else:
            git(tmp_path, "pack-refs", "--all")
            git(tmp_path, "update-ref", "refs/heads/main", oid)
        head = drive(store.head.get())
        assert head is not None
        assert head.hex == oid
        made = drive(store.set("file", b"%d" % number))
        assert made is not None
        assert [parent.hex() for parent in made.parents] == [oid]
    git(tmp_path, "update-ref", "-d", "refs/heads/main")
    assert drive(store.head.find()) is None
    drive(repo.close())


@pytest.mark.slow
def test_a_collector_that_takes_all_at_once(tmp_path: Path) -> None:
    store, repo = opened(tmp_path)
    for number in range(0, 6 * FAN, FAN // 2):
        commit(store, FAN // 2, number)
        git(tmp_path, "gc", "-q", "--prune=now")
    drive(repo.close())
    assert_sound(tmp_path)
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == 6 * FAN
