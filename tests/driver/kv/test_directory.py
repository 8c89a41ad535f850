"""Directory: what only a store on a host's disk can do or suffer."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from fata.device.kv import KvError, NoSpace, NotFound
from fata.driver.kv import directory
from fata.driver.kv.directory import Directory, open_directory
from fata.driver.kv.staging import STAGING
from fata.errors import DeviceError, StateError
from fata.runtime.drive import drive
from tests.driver.kv.system_calls import recorded, stepping_in


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Directory]:
    """An empty store in `tmp_path`."""
    store = drive(open_directory(str(tmp_path)))
    yield store
    drive(store.close())


@pytest.mark.parametrize(
    ("name", "remedy"), [("none", "mkdir -p"), ("file", "Name the directory"), ("a\0b", "no path")]
)
def test_what_is_no_directory_is_named_with_the_remedy(tmp_path: Path, name: str, remedy: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeviceError, match=remedy) as caught:
        drive(open_directory(f"{tmp_path}/{name}"))
    assert repr(name)[1:-1] in str(caught.value)


def test_values_are_files(store: Directory, tmp_path: Path) -> None:
    drive(store.set("d/v", b"value"))
    assert (tmp_path / "d" / "v").read_bytes() == b"value"
    (tmp_path / "d" / "w").write_bytes(b"by hand")
    assert drive(store.get("d/w")) == b"by hand"


def test_a_store_opened_read_only_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"1")
    store = drive(open_directory(str(tmp_path), read_only=True))
    changes = [store.set("v", b"2"), store.set_partial("v", 0, b"2"), store.remove("v"), store.rename("v", "w")]
    for change in [*changes, store.allocate("x", 1), store.remove("")]:
        with pytest.raises(StateError, match="read-only"):
            drive(change)
    drive(store.flush())
    assert drive(store.get("v")) == b"1"
    drive(store.close())
    assert os.listdir(tmp_path) == ["v"]


def test_a_closed_store_refuses_everything_but_another_close(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    store = drive(open_directory(str(tmp_path)))
    drive(store.set("v", b"1"))
    drive(store.close())
    drive(store.close())
    assert len(os.listdir("/proc/self/fd")) == before
    for operation in (store.get("v"), store.exists("v"), store.list(""), store.set("v", b"2"), store.flush()):
        with pytest.raises(StateError, match="closed"):
            drive(operation)
    assert os.listdir(tmp_path) == ["v"]


def test_no_operation_keeps_a_descriptor(store: Directory, tmp_path: Path) -> None:
    drive(store.set("warm", b"up"))
    (tmp_path / "link").symlink_to("warm")
    before = sorted(os.listdir("/proc/self/fd"))
    drive(store.set("d/v", b"1"))
    for operation in (
        *(store.get("d/v"), store.get("x"), store.get("d"), store.list("d"), store.list("d/v"), store.digest("")),
        *(store.set("d", b"1"), store.set("d/v/x", b"1"), store.set("link/x", b"1"), store.rename("d/v", "d/w")),
        *(store.rename("x", "y"), store.rename("d", "warm"), store.set_partial("x", 0, b""), store.flush()),
        *(store.allocate("y", 10), store.allocate("y", 10), store.remove("y"), store.remove("warm"), store.exists("q")),
    ):
        try:
            drive(operation)
        except KvError:
            pass
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_replaced_file_keeps_its_mode_and_its_other_name(store: Directory, tmp_path: Path) -> None:
    drive(store.set("v", b"first"))
    (tmp_path / "v").chmod(0o640)
    os.link(tmp_path / "v", tmp_path / "backup")
    drive(store.set("v", b"second"))
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o640
    drive(store.set("backup", b"b" * 100_000))
    os.link(tmp_path / "backup", tmp_path / "snapshot")
    drive(store.set_partial("backup", 50_000, b"!"))
    assert drive(store.get("snapshot")) == b"b" * 100_000
    assert drive(store.get_partial("backup", 50_000, 2)) == b"!b"


def test_a_large_value_is_changed_in_place(store: Directory, tmp_path: Path) -> None:
    drive(store.set("v", b"v" * 100_000))
    inode = (tmp_path / "v").stat().st_ino
    drive(store.set_partial("v", 5, b"!"))
    assert (tmp_path / "v").stat().st_ino == inode


FULL_DISK = """
import os, resource, sys
from fata.device.kv import NoSpace
from fata.driver.kv.directory import open_directory
from fata.runtime.drive import drive
from tests.driver.kv.system_calls import recorded, stepping_in
store = drive(open_directory(sys.argv[1]))
drive(store.set("v", b"v" * 90_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for change in (
    store.set("v", b"w" * 110_000),
    store.set("n/e/w", b"w" * 110_000),
    store.set_partial("v", 80_000, b"w" * 30_000),
    store.set_partial("v", 200_000, b"w"),
    store.allocate("z", 110_000),
):
    try:
        drive(change)
    except NoSpace as error:
        print(error)
assert drive(store.get("v")) == b"v" * 90_000
drive(store.close())
print(*sorted(os.listdir(sys.argv[1])))
"""


def test_a_value_that_the_host_has_no_room_for_changes_nothing(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ran.stdout.count("no space left in the store\n") == 5
    assert ran.stdout.splitlines()[-1] == "v"


@pytest.mark.root
def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)]).returncode:
        pytest.skip("cannot mount a tmpfs here")
    try:
        store = drive(open_directory(str(tmp_path)))
        drive(store.set("v", b"v" * 100_000))
        changes = [store.set("w", b"w" * 300_000), store.set("v", b"w" * 200_000), store.allocate("z", 300_000)]
        for change in [*changes, store.set_partial("v", 90_000, b"w" * 300_000)]:
            with pytest.raises(NoSpace):
                drive(change)
        assert drive(store.get("v")) == b"v" * 100_000
        assert os.listdir(tmp_path / STAGING) == []
        drive(store.remove("v"))
        drive(store.set("w", b"w" * 200_000))
        drive(store.close())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_what_this_user_may_not_do_is_said() -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "v").write_bytes(b"1")
    folder.chmod(0o755)
    (folder / "v").chmod(0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    else:
        folder.chmod(0o555)
    try:
        store = drive(open_directory(str(folder)))
        for operation in (store.get("v"), store.set("w", b"1"), store.remove("v")):
            with pytest.raises(KvError, match="the host says: Permission denied"):
                drive(operation)
        drive(store.close())
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_very_deep_tree_is_removed(memory_path: Path) -> None:
    store = drive(open_directory(str(memory_path)))
    descriptor = os.open(memory_path, os.O_RDONLY)
    for _ in range(1500):  # deeper than recursion goes, longer than a path can be
        os.mkdir("deep-enough", dir_fd=descriptor)
        below = os.open("deep-enough", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    drive(store.remove("deep-enough"))
    assert drive(store.list("")) == []
    assert os.listdir(memory_path / STAGING) == []
    drive(store.close())


def test_a_replacement_is_on_the_medium_before_it_replaces(store: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = recorded(monkeypatch, "fdatasync", "rename")
    drive(store.set("v", b"1"))
    assert calls == ["rename"], "nothing is lost if a new value is"
    calls.clear()
    drive(store.set("v", b"2"))
    drive(store.set_partial("v", 0, b"3"))
    assert calls == ["fdatasync", "rename"] * 2


def synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return a list that gets the name of everything that is synced."""
    names: list[str] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        names.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    return names


def test_a_flush_syncs_what_has_changed(store: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = synced(monkeypatch, tmp_path)
    drive(store.set("a/b/v", b"1"))
    drive(store.flush())
    assert names[0] == "a/b/v"
    assert sorted(names[1:]) == [".", "a", "a/b"]
    names.clear()
    drive(store.flush())
    assert names == []
    drive(store.set("w", b"w" * 100_000))
    drive(store.set_partial("w", 0, b"!"))
    drive(store.rename("w", "a/w"))
    drive(store.rename("a", "c"))
    drive(store.remove("c/b/v"))
    drive(store.flush())
    assert sorted(names) == [".", "c", "c/b", "c/w"], "values are followed to their new names"


def test_a_value_that_replaces_another_is_synced_first(
    store: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(store.set("old", b"durable"))
    drive(store.flush())
    drive(store.set("new", b"not yet"))
    names = synced(monkeypatch, tmp_path)
    drive(store.rename("new", "old"))
    assert "new" in names


def test_a_program_that_never_flushes_holds_few_keys(
    store: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PATIENCE", 5)
    names = synced(monkeypatch, tmp_path)
    for number in range(20):
        drive(store.set(f"v{number}", b"1"))
    assert len([name for name in names if name.startswith("v")]) > 10


def test_after_a_failed_flush_nothing_is_promised_any_more(store: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    drive(store.set("v", b"1"))
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DeviceError, match="Input/output error"):
        drive(store.flush())
    monkeypatch.undo()
    with pytest.raises(DeviceError, match="unflushed changes may be lost"):
        drive(store.flush())
    assert drive(store.get("v")) == b"1"


def test_a_flush_does_not_mind_what_others_have_removed(store: Directory, tmp_path: Path) -> None:
    drive(store.set("a/v", b"1"))
    drive(store.set("b/v", b"1"))
    drive(store.set("c/v", b"1"))
    shutil.rmtree(tmp_path / "a")
    (tmp_path / "b" / "v").unlink()
    (tmp_path / "b" / "v").mkdir()
    (tmp_path / "c" / "v").unlink()
    (tmp_path / "c" / "v").symlink_to("/etc/passwd")
    drive(store.flush())


def test_digests_of_settled_files_are_remembered(
    store: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = recorded(monkeypatch, "pread")
    drive(store.set("v", b"1"))
    assert drive(store.digest("v")) == sha256(b"1").digest()
    assert drive(store.digest("v")) == sha256(b"1").digest()
    assert len(reads) == 4, "a file that was changed just now may change again without a trace"
    monkeypatch.setattr("time.time_ns", lambda: (tmp_path / "v").stat().st_ctime_ns + 3_000_000_000)
    assert drive(store.digest("v")) == sha256(b"1").digest()
    reads.clear()
    assert drive(store.digest("v")) == sha256(b"1").digest()
    assert reads == []
    drive(store.set("v", b"2"))
    assert drive(store.digest("v")) == sha256(b"2").digest()


def test_two_stores_share_a_directory(tmp_path: Path) -> None:
    first, second = (drive(open_directory(str(tmp_path))) for _ in range(2))
    drive(first.set("a", b"1"))
    drive(second.set("b", b"2"))
    assert drive(first.get("b")) == b"2"
    drive(first.close())
    assert STAGING in os.listdir(tmp_path), "the other one uses it"
    drive(second.set("c", b"3"))
    drive(second.close())
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


def test_a_store_does_not_sweep_what_another_one_prepares(tmp_path: Path) -> None:
    first = drive(open_directory(str(tmp_path)))
    drive(first.set("a", b"1"))
    (tmp_path / STAGING / "in-work").touch()
    second = drive(open_directory(str(tmp_path)))
    drive(second.set("b", b"2"))
    assert (tmp_path / STAGING / "in-work").exists()
    drive(second.close())
    drive(first.close())
    third = drive(open_directory(str(tmp_path)))
    drive(third.set("c", b"3"))
    assert os.listdir(tmp_path / STAGING) == []
    drive(third.close())


def test_the_last_one_may_leave_while_another_comes(tmp_path: Path) -> None:
    moment = 0
    while True:
        leaving, coming = (drive(open_directory(str(tmp_path))) for _ in range(2))
        drive(leaving.set("a", b"1"))
        with stepping_in(moment, lambda leaving=leaving: drive(leaving.close())) as intruder:  # type: ignore[misc]
            drive(coming.set("b", b"2"))
        drive(coming.set("b", b"3"))
        drive(coming.close())
        drive(leaving.close())
        assert STAGING not in os.listdir(tmp_path)
        if intruder.came_too_late:
            break
        moment += 1
    assert moment > 10


def test_a_reservation_that_fails_half_way_is_undone(
    store: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow_and_fail(descriptor: int, offset: int, length: int) -> None:
        os.truncate(descriptor, offset + length // 2)  # as ext4 does
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    drive(store.set("v", b"v" * 100_000))
    monkeypatch.setattr(os, "posix_fallocate", grow_and_fail)
    with pytest.raises(NoSpace):
        drive(store.set_partial("v", 90_000, b"w" * 50_000))
    assert drive(store.get("v")) == b"v" * 100_000


def test_a_directory_that_others_take_away_is_empty(store: Directory, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    with pytest.raises(NotFound):
        drive(store.get("v"))
    with pytest.raises(KvError):
        drive(store.set("v", b"1"))
    tmp_path.mkdir()
