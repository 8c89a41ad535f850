"""wheels.lock: written and read, and nothing is used that is not the file that was locked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fata.config.project import load
from fata.errors import ConfigError
from fata.target.image.wheels import LOCK, Wheel, cached, keep, lock_text, locked_wheels, read_wheel_lock
from tests.images import write_tree

CONTENT = b"a wheel, for all that the cache knows"
WHEEL = Wheel("thing", "1.0", "thing-1.0-py3-none-any.whl", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    application = "class App:\n    def __init__(self) -> None: ...\n    async def run(self) -> None: ...\n"
    config = 'from fata.config import main, package, register\npackage("thing>=1")\nregister("app", main("app:App"))\n'
    write_tree(tmp_path, {"app.py": application, "config.py": config})
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    other = WHEEL._replace(name="other")
    text = lock_text(["thing>=1", "other"], [WHEEL, other])
    assert text == lock_text(["other", "thing>=1"], [other, WHEEL])
    assert "http" not in text
    (folder / LOCK).write_text(text)
    lock = read_wheel_lock(folder)
    assert lock is not None
    assert lock.requires == ("other", "thing>=1")
    assert lock.wheels == (other, WHEEL)


def test_without_a_lock_there_is_none(folder: Path) -> None:
    assert read_wheel_lock(folder) is None
    assert locked_wheels(load(str(folder))) is None


@pytest.mark.parametrize(
    "text",
    [
        "version = 2\nrequires = []\n",
        "version = 1\n",
        "version = ",
        'version = 1\nrequires = []\n[[wheel]]\nname = "a"\n',
        'version = 1\nrequires = []\n[[wheel]]\nname = "a"\nversion = "1"\nfile = "a.whl"\nsha256 = "123"\n',
        f'version = 1\nrequires = []\n[[wheel]]\nname = "a"\nversion = "1"\nfile = "../a"\nsha256 = "{"0" * 64}"\n',
    ],
)
def test_a_lock_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / LOCK).write_text(text)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        read_wheel_lock(folder)
    assert caught.value.file == str(folder / LOCK)


def test_only_the_file_that_was_locked_is_kept(cache: Path) -> None:
    keep(WHEEL, CONTENT)
    assert cached(WHEEL).read_bytes() == CONTENT
    assert cached(WHEEL).is_relative_to(cache)
    with pytest.raises(ConfigError, match="was locked"):
        keep(WHEEL, CONTENT + b"!")
    assert cached(WHEEL).read_bytes() == CONTENT


def test_a_wheel_that_is_not_at_hand_or_was_changed_is_refused(folder: Path) -> None:
    (folder / LOCK).write_text(lock_text(["thing>=1"], [WHEEL]))
    with pytest.raises(ConfigError, match="is locked and not at hand") as caught:
        locked_wheels(load(str(folder)))
    assert caught.value.remedy == "Run `fata lock --fetch`."
    keep(WHEEL, CONTENT)
    cached(WHEEL).write_bytes(b"something else")
    with pytest.raises(ConfigError, match="is not the wheel that was locked"):
        locked_wheels(load(str(folder)))


def test_a_lock_for_other_packages_is_refused_at_the_line_that_names_the_new_one(folder: Path) -> None:
    (folder / LOCK).write_text(lock_text(["something"], []))
    with pytest.raises(ConfigError, match=r"package\('thing>=1'\) is not in") as caught:
        locked_wheels(load(str(folder)))
    assert (caught.value.file, caught.value.line) == (str(folder / "config.py"), 2)
