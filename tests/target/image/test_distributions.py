"""Distributions: what is found where, and which of its files go into an image."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from fata.errors import ConfigError
from fata.target.image.distributions import Distribution, File, from_wheel, installed_shelf, shelf_of
from tests.images import distribution, write_tree


def files(*paths: str) -> Distribution:
    return Distribution("dist", "1", {path: File(path, bytes) for path in paths})


def test_tests_stubs_compiled_code_and_an_installers_notes_are_left_out() -> None:
    found = files(
        *("dist/__init__.py", "dist/data/table.txt", "dist/py.typed", "dist/mod.pyi", "dist/fast.abi3.so"),
        *("dist/tests/test_it.py", "dist/test/data.bin", "dist/testing.py", "dist/latest.py", "dist.pth"),
        *("dist-1.dist-info/METADATA", "dist-1.dist-info/RECORD", "dist-1.dist-info/INSTALLER"),
        *("dist-1.dist-info/entry_points.txt", "dist-1.dist-info/direct_url.json", "dist-1.dist-info/licenses/LICENSE"),
    )
    assert list(found.packed()) == [
        *("dist-1.dist-info/METADATA", "dist-1.dist-info/entry_points.txt", "dist-1.dist-info/licenses/LICENSE"),
        *("dist/__init__.py", "dist/data/table.txt", "dist/latest.py", "dist/testing.py"),
    ]


def test_modules_and_compiled_modules_are_told_apart() -> None:
    found = files("a/__init__.py", "a/b.py", "a/c.cpython-311-x86_64-linux-gnu.so", "a/d.abi3.so", "e.so", "f.pyd")
    assert set(found.modules) == {"a", "a.b"}
    assert set(found.extensions) == {"a.c", "a.d", "e", "f"}


def installed(folder: Path, name: str, **modules: str) -> None:
    """Lay a distribution out as pip does."""
    made = distribution(name, **modules)
    write_tree(folder, {path: file.read().decode() for path, file in made.files.items()})
    info = f"{name}-1.dist-info"
    record = "".join(f"{path},,\n" for path in [*made.files, f"{info}/METADATA", f"{info}/RECORD", "../../bin/script"])
    write_tree(folder, {f"{info}/METADATA": f"Name: {name}\nVersion: 1\n", f"{info}/RECORD": record})


def test_an_installed_distribution_is_found_by_what_it_brings(tmp_path: Path) -> None:
    installed(tmp_path, "Other-Name", thing__init="", thing__part="")
    installed(tmp_path, "plain", plain="")
    shelf = installed_shelf([tmp_path / "nowhere", tmp_path])
    found = shelf.providing("thing.part")
    assert found is not None
    assert (found.name, found.version) == ("Other-Name", "1")
    assert shelf.providing("thing.part") is found
    assert shelf.providing("thing.absent") is None
    assert shelf.providing("absent") is None
    assert not any(path.startswith("..") for path in found.files)


def test_a_package_that_several_distributions_share_is_searched_in_all(tmp_path: Path) -> None:
    installed(tmp_path, "space-one", space__one__init="")
    installed(tmp_path, "space-two", space__two="")
    shelf = installed_shelf([tmp_path])
    for name in ("one", "two"):
        found = shelf.providing(f"space.{name}")
        assert found is not None
        assert found.name == f"space-{name}"


def test_a_package_without_metadata_is_taken_as_it_lies(tmp_path: Path) -> None:
    write_tree(tmp_path, {"loose/__init__.py": "", "loose/data.txt": "x"})
    found = installed_shelf([tmp_path]).providing("loose")
    assert found is not None
    assert (found.version, sorted(found.files)) == ("", ["loose/__init__.py", "loose/data.txt"])


def test_of_two_shelves_the_first_is_asked_first() -> None:
    first, second = distribution("first", a=""), distribution("second", a="", b="")
    shelf = shelf_of([first], shelf_of([second]))
    assert shelf.providing("a") is first
    assert shelf.providing("b") is second


def test_a_wheel_is_read_as_if_it_were_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "Some_Name-2.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mod/__init__.py", "VALUE = 1")
        archive.writestr("Some_Name-2.1.data/purelib/extra.py", "")
        archive.writestr("Some_Name-2.1.data/scripts/run", "")
        archive.writestr("Some_Name-2.1.dist-info/METADATA", "")
    found = from_wheel(wheel)
    assert (found.name, found.version) == ("Some_Name", "2.1")
    assert sorted(found.files) == ["Some_Name-2.1.dist-info/METADATA", "extra.py", "mod/__init__.py"]
    assert found.files["mod/__init__.py"].read() == b"VALUE = 1"


def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "broken-1-py3-none-any.whl"
    wheel.write_bytes(b"no zip")
    with pytest.raises(ConfigError, match="is no wheel"):
        from_wheel(wheel)
