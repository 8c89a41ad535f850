"""Nothing escapes from a directory store: by name, by link, or by a link that is swapped in during the call."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fata.device.kv import InvalidKey, Kind, KvError, NotFound
from fata.driver.kv.directory import Directory, open_directory
from fata.driver.kv.staging import STAGING
from fata.errors import FataError
from fata.runtime.drive import drive
from tests.driver.kv.system_calls import stepping_in

pytestmark = pytest.mark.slow  # in all, some seconds

SECRET = b"the secret of somebody else"
OWN = b"our own"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the store, with a secret where the store has values of its own."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    for name in ("v", "sub/v", "secret"):
        (folder / name).write_bytes(SECRET)
    return folder


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    """The store's folder, with values at v, d/v and d/sub/v."""
    folder = tmp_path / "root"
    (folder / "d" / "sub").mkdir(parents=True)
    for name in ("v", "d/v", "d/sub/v"):
        (folder / name).write_bytes(OWN)
    return folder


@pytest.fixture
def store(root: Path) -> Iterator[Directory]:
    """The store."""
    store = drive(open_directory(str(root)))
    yield store
    drive(store.close())


def untouched(outside: Path) -> bool:
    """Say whether the outside is as it was."""
    names = sorted(str(path.relative_to(outside)) for path in outside.rglob("*"))
    return names == ["secret", "sub", "sub/v", "v"] and all(
        path.read_bytes() == SECRET for path in outside.rglob("*") if path.is_file()
    )


Operation = Callable[[Any, str], Coroutine[Any, Any, object]]

OPERATIONS: dict[str, Operation] = {
    "get": lambda store, key: store.get(key),
    "get_partial": lambda store, key: store.get_partial(key, 0, 100),
    "size": lambda store, key: store.size(key),
    "list": lambda store, key: store.list(key),
    "exists": lambda store, key: store.exists(key),
    "digest": lambda store, key: store.digest(key),
    "last_modified": lambda store, key: store.last_modified(key),
    "set": lambda store, key: store.set(key, b"new"),
    "set_partial": lambda store, key: store.set_partial(key, 0, b"new"),
    "large set_partial": lambda store, key: store.set_partial(key, 100_000, b"new"),
    "allocate": lambda store, key: store.allocate(key, 10),
    "remove": lambda store, key: store.remove(key),
    "rename from": lambda store, key: store.rename(key, "elsewhere"),
    "rename to": lambda store, key: store.rename("v", key),
    "flush": lambda store, key: store.flush(),
}
LEAKS = (
    SECRET,
    len(SECRET),
    sha256(SECRET).digest(),
    [("secret", Kind.VALUE), ("sub", Kind.DICTIONARY), ("v", Kind.VALUE)],
)


KEYS = [
    "../outside/v",
    "..",
    "d/../../outside/v",
    "/etc/passwd",
    "//etc/passwd",
    "d//v",
    "./v",
    "d/.",
    "v\0",
    "\udcff/v",
]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "flush"])
def test_strings_that_would_lead_out_are_no_keys(store: Directory, outside: Path, name: str) -> None:
    for key in KEYS:
        with pytest.raises(InvalidKey):
            drive(OPERATIONS[name](store, key))
    assert untouched(outside)


TARGETS = ["../outside", "../outside/v", "../outside/secret", ".", "..", "/", "v", "link", "nothing", "d"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_link_names_nothing(store: Directory, root: Path, outside: Path, target: str) -> None:
    (root / "d" / "link").symlink_to(target if target.startswith("/") else f"../{target}")
    assert drive(store.exists("d/link")) is None
    assert drive(store.list("d")) == [("sub", Kind.DICTIONARY), ("v", Kind.VALUE)]
    for key, operate in itertools.product(("d/link", "d/link/v", "d/link/new", "d/link/sub/v"), OPERATIONS.values()):
        try:
            assert drive(operate(store, key)) not in LEAKS
        except KvError:
            pass
    assert untouched(outside)
    assert (root / "d" / "link").is_symlink()


@pytest.mark.parametrize("key", ["d/link", "d/link/v"])
def test_nothing_is_put_in_a_links_place(store: Directory, root: Path, key: str) -> None:
    (root / "d" / "link").symlink_to("sub")
    for change in (store.set(key, b"x"), store.allocate(key, 1), store.rename("v", key)):
        with pytest.raises(KvError, match="link or a special file"):
            drive(change)


def test_removing_a_dictionary_removes_links_and_not_what_they_lead_to(
    store: Directory, root: Path, outside: Path
) -> None:
    (root / "d" / "link").symlink_to(outside)
    (root / "d" / "sub" / "link").symlink_to(outside / "secret")
    drive(store.remove("d"))
    assert not (root / "d").exists()
    assert untouched(outside)
    (root / "top").symlink_to(outside)
    drive(store.remove(""))
    assert set(os.listdir(root)) <= {STAGING}
    assert untouched(outside)


def test_special_files_name_nothing(store: Directory, root: Path) -> None:
    os.mkfifo(root / "d" / "fifo")
    (root / "d" / os.fsdecode(b"\xff")).write_bytes(b"no UTF-8")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(root / "d" / "socket"))
    listener.close()
    assert [name for name, _ in drive(store.list("d"))] == ["sub", "v"]
    for key in ("d/fifo", "d/socket"):
        assert drive(store.exists(key)) is None
        for read in (store.get, store.size, store.digest, store.last_modified, store.list):
            with pytest.raises(NotFound):
                drive(read(key))
        with pytest.raises(KvError):
            drive(store.set(key, b"x"))
        drive(store.remove(key))
    assert drive(store.digest("d"))
    assert (root / "d" / "fifo").exists()
    drive(store.remove("d"))
    assert drive(store.list("")) == [("v", Kind.VALUE)]


@pytest.mark.root
def test_devices_name_nothing(store: Directory, root: Path) -> None:
    os.mknod(root / "null", 0o666 | 0o020000, os.makedev(1, 3))
    assert drive(store.exists("null")) is None
    with pytest.raises(NotFound):
        drive(store.get("null"))


def test_the_stores_own_folder_names_nothing(store: Directory, root: Path) -> None:
    drive(store.set("x", b"1"))
    assert (root / STAGING).is_dir()
    (root / STAGING / "seen").write_bytes(SECRET)
    assert [name for name, _ in drive(store.list(""))] == ["d", "v", "x"]
    for key in (STAGING, f"{STAGING}/seen"):
        assert drive(store.exists(key)) is None
        for read in (store.get, store.size, store.digest, store.last_modified, store.list):
            with pytest.raises(NotFound):
                drive(read(key))
        for change in (store.set(key, b"x"), store.allocate(key, 1), store.remove(key), store.rename("v", key)):
            with pytest.raises(InvalidKey):
                drive(change)
    drive(store.set(f"d/{STAGING}", b"only at the root"))


def test_a_link_in_the_place_of_the_stores_own_folder_is_not_followed(
    store: Directory, root: Path, outside: Path
) -> None:
    (root / STAGING).symlink_to(outside)
    for change in (store.set("x", b"1"), store.remove("d"), store.allocate("y", 1)):
        with pytest.raises(KvError):
            drive(change)
    assert untouched(outside)


def swap_for_link(path: Path, target: Path) -> Callable[[], None]:
    """Return what an attacker does: put a link where a file or folder was."""

    def act() -> None:
        os.rename(path, f"{path}.aside")
        os.symlink(target, path)

    return act


def swap_for_fifo(path: Path) -> Callable[[], None]:
    """Return what hangs those who open without looking."""

    def act() -> None:
        os.rename(path, f"{path}.aside")
        os.mkfifo(path)

    return act


def attack(root: Path, outside: Path, victim: str, act: Callable[[], None], operate: Callable[[str], object]) -> int:
    """Swap the victim for something else before each system call in turn; return how many moments there were."""
    moment = 0
    while True:
        _restore(root, victim)
        with stepping_in(moment, act) as intruder:
            try:
                answer = operate("d/v")
            except (FataError, FileNotFoundError):
                answer = None
        assert answer not in LEAKS, f"a secret got out, by a swap before call {moment}"
        assert untouched(outside), f"the outside was changed, by a swap before call {moment}"
        if intruder.came_too_late:
            return moment
        moment += 1


def _restore(root: Path, victim: str) -> None:
    aside = Path(f"{root / victim}.aside")
    if aside.exists():
        (root / victim).unlink(missing_ok=True)
        aside.rename(root / victim)
    for name in ("v", "d/v", "d/sub/v"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(OWN)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("victim", "target"), [("d", "."), ("d/v", "secret")])
def test_a_link_swapped_in_at_any_moment_leads_nowhere(
    store: Directory, root: Path, outside: Path, victim: str, target: str, name: str
) -> None:
    act = swap_for_link(root / victim, outside / target)
    moments = attack(root, outside, victim, act, lambda key: drive(OPERATIONS[name](store, key)))
    assert moments >= (0 if name == "flush" else 3)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_fifo_swapped_in_at_any_moment_hangs_nobody(store: Directory, root: Path, outside: Path, name: str) -> None:
    attack(root, outside, "d/v", swap_for_fifo(root / "d/v"), lambda key: drive(OPERATIONS[name](store, key)))


class _ChecksFirst:
    """What one writes without having been attacked: resolve the path, check it, use it."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)

    def _path(self, key: str) -> str:
        path = os.path.realpath(os.path.join(self.root, key))
        if not path.startswith(self.root + os.sep):
            raise InvalidKey(key)
        return path

    def get(self, key: str) -> bytes:
        descriptor = os.open(self._path(key), os.O_RDONLY)
        try:
            return os.read(descriptor, 1000)
        finally:
            os.close(descriptor)

    def set(self, key: str) -> None:
        descriptor = os.open(self._path(key), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(descriptor, b"new")
        finally:
            os.close(descriptor)


@pytest.mark.parametrize(("victim", "target"), [("d", "."), ("d/v", "secret")])
def test_a_store_that_checks_first_is_caught(root: Path, outside: Path, victim: str, target: str) -> None:
    naive, act = _ChecksFirst(root), swap_for_link(root / victim, outside / target)
    with pytest.raises(AssertionError, match="a secret got out"):
        attack(root, outside, victim, act, naive.get)
    with pytest.raises(AssertionError, match="the outside was changed"):
        attack(root, outside, victim, act, naive.set)
