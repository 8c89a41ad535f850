"""fata.lock: what is written is read back, and another target, key or version is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata import __version__
from fata.config.graph import Graph
from fata.config.lock import VERSION, Lock, check_against, lock_text, locked_values, read_lock, replace
from fata.errors import ConfigError
from tests.config.conftest import Folder, refusal

APP = """
from fata.device import KvRo

class App:
    def __init__(self, store: KvRo, *, name: str = "x", tags: list[str] = [], host: str | None = None) -> None: ...
    async def run(self) -> None: ...
"""
CONFIG = """
from fata.config import *

kind = key("kind", str, choices=["memory", "pages"], default="memory")
pages = directory(key("at", str, default="."))
register("app", main("app:App", store=match(kind, {"memory": memory_kv(), "pages": pages})))
"""
BOOT_ONLY = CONFIG.replace("store=", "name=key('name', str, default='x', stage='boot'), store=")


@pytest.fixture
def project(folder: Folder) -> Folder:
    """A project with a key that chooses, a path and three of the application's own."""
    return folder.app(APP).config(CONFIG)


def lock(folder: Folder, graph: Graph) -> Lock:
    """Write the lock of a graph and read it."""
    replace(folder.path / "fata.lock", lock_text(graph).encode())
    found = read_lock(folder.path)
    assert found is not None
    return found


def test_no_lock_is_none(folder: Folder) -> None:
    assert read_lock(folder.path) is None


def test_a_lock_holds_the_target_and_every_key_that_configures(project: Folder) -> None:
    found = lock(project, project.graph("--kind=pages", "--tags=a,b", target="unix"))
    assert found.target == "unix"
    assert found.keys == {"kind": "pages", "at": ".", "name": "x", "tags": "a,b", "host": ""}
    assert found.file == project.path / "fata.lock"


def test_a_key_read_only_at_boot_is_not_in_the_lock(folder: Folder) -> None:
    assert "name" not in lock(folder, folder.app(APP).config(BOOT_ONLY).graph()).keys


def test_a_key_without_a_value_is_not_in_the_lock(folder: Folder) -> None:
    folder.app(APP.replace('name: str = "x"', "name: str")).config(CONFIG)
    assert "name" not in lock(folder, folder.graph()).keys


def test_what_was_locked_is_what_is_settled_from_the_lock(project: Folder) -> None:
    graph = project.graph("--kind=pages", '--name="a"\\ \t\n\x7fé☃', "--tags=a\\,b,\\\\", "--host=::1")
    again = project.graph(locked=lock(project, graph).keys)
    values = {name: setting.value for name, setting in graph.settings.items()}
    assert {name: setting.value for name, setting in again.settings.items()} == values
    assert lock_text(again) == lock_text(graph)
    assert again.settings["name"].origin == "fata.lock"
    assert again.settings["at"].origin == "default"


@given(st.text())
def test_any_text_survives_the_lock(text: str) -> None:
    with TemporaryDirectory() as directory:
        folder = Folder(Path(directory)).app(APP).config(CONFIG)
        assert lock(folder, folder.graph(f"--name={text}")).keys["name"] == text


def test_a_lock_is_for_people_too(project: Folder) -> None:
    lines = lock_text(project.graph("--name=world")).splitlines()
    assert lines[0].startswith("# Written by `fata configure`")
    assert "Remove it" in lines[0]
    assert 'target = "unix"' in lines
    assert '"name" = "world"' in lines


@pytest.mark.parametrize("booting", [False, True])
def test_what_is_asked_for_as_locked_is_accepted(project: Folder, booting: bool) -> None:
    found = lock(project, project.graph("--name=a"))
    check_against(found, project.graph("--name=a"), booting=booting)
    check_against(found, project.graph(locked=found.keys), booting=booting)


@pytest.mark.parametrize("booting", [False, True])
def test_another_target_is_refused_and_both_are_named(project: Folder, booting: bool) -> None:
    found = lock(project, project.graph(target="virtio"))
    error = refusal(lambda: check_against(found, project.graph(target="unix"), booting=booting))
    assert error.file == str(project.path / "fata.lock")
    assert "configured for target 'virtio', and 'unix' is asked for" in error.reason
    assert "fata configure -t unix" in error.remedy


def test_another_value_is_refused_and_both_are_named(project: Folder) -> None:
    found = lock(project, project.graph("--name=a"))
    error = refusal(lambda: check_against(found, project.graph("--name=b"), booting=False))
    assert error.file == str(project.path / "fata.lock")
    assert "configured with --name=a, and --name=b is asked for" in error.reason
    assert "--name=b" in error.remedy


def test_at_boot_a_value_may_differ_unless_it_shaped_the_program(project: Folder) -> None:
    found = lock(project, project.graph())
    check_against(found, project.graph("--name=other"), booting=True)
    error = refusal(lambda: check_against(found, project.graph("--kind=pages"), booting=True))
    assert "configured with --kind=memory, and --kind=pages is asked for" in error.reason


def test_a_key_that_came_later_is_not_missed_in_the_lock(project: Folder) -> None:
    found = lock(project, project.graph())
    project.app(APP.replace("name: str", "fresh: int = 1, name: str"))
    check_against(found, project.graph(), booting=False)


UNREADABLE = {
    "no TOML": (b"= x", "cannot be read"),
    "not UTF-8": (b"version = 1\ntarget = '\xff'\n", "cannot be read"),
    "an older version": (
        b"version = 0\ntarget = 'unix'\n",
        f"is of version 0, and this fata ({__version__}) reads {VERSION}",
    ),
    "a newer version": (b"version = 99\n", "is of version 99"),
    "no version": (b"target = 'unix'\n", "is of version None"),
    "no target": (b"version = 1\n", "has no target"),
    "a target that is no text": (b"version = 1\ntarget = 3\n", "has no target"),
    "keys that are no table": (b"version = 1\nkeys = 3\ntarget = 'unix'\n", "no table of keys"),
}


@pytest.mark.parametrize(("data", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_lock_that_cannot_be_read_says_what_to_do(folder: Folder, data: bytes, reason: str) -> None:
    (folder.path / "fata.lock").write_bytes(data)
    error = refusal(lambda: read_lock(folder.path))
    assert error.file == str(folder.path / "fata.lock")
    assert reason in error.reason
    assert "fata configure" in error.remedy


def test_a_folder_in_the_place_of_a_lock_is_told(folder: Folder) -> None:
    (folder.path / "fata.lock").mkdir()
    assert "cannot be read" in refusal(lambda: read_lock(folder.path)).reason


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "fata.lock"
    replace(file, b"one")
    replace(file, b"two")
    assert file.read_bytes() == b"two"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """The disk fills up in the middle of writing, or the renaming is refused."""
    file = tmp_path / "fata.lock"
    replace(file, b"one")
    real = Path.write_bytes

    def fail(self: Path, data: object) -> int:
        if failing == "write_bytes":
            real(self, b"tw")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, failing, fail)
        with pytest.raises(ConfigError, match=r"fata.lock cannot be written: No space left on device"):
            replace(file, b"two")
    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Whoever has the old file open keeps it: the new one is another inode."""
    file = tmp_path / "fata.lock"
    replace(file, b"one")
    with file.open("rb") as reader:
        before = os.fstat(reader.fileno()).st_ino
        replace(file, b"two")
        assert reader.read() == b"one"
    assert file.stat().st_ino != before


def test_values_without_a_lock_are_those_of_the_graph(project: Folder) -> None:
    assert locked_values(project.graph("--tags=")) == {"kind": "memory", "name": "x", "tags": "", "host": ""}
