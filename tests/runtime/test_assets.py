"""Files packed next to main.py."""

import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from fata.errors import DeviceError, StateError
from fata.runtime.assets import asset, asset_beside

PAGES = bytes(range(256)) * 20
PROGRAM = """
import sys
from fata.runtime.assets import asset
sys.stdout.buffer.write(b"".join([asset("data/pages"), asset("empty")]))
"""


@pytest.fixture
def main(tmp_path: Path) -> ModuleType:
    """A module as if loaded from a folder that holds assets."""
    fill(tmp_path)
    module = ModuleType("main")
    module.__file__ = str(tmp_path / "main.py")
    return module


def fill(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "pages").write_bytes(PAGES)
    (folder / "empty").touch()


def test_an_asset_is_read_where_main_lies(main: ModuleType) -> None:
    pages = asset_beside(main, "data/pages")
    assert pages == PAGES
    assert pages.readonly


def test_an_empty_asset_is_empty(main: ModuleType) -> None:
    assert bytes(asset_beside(main, "empty")) == b""


@pytest.mark.parametrize("name", ["missing", "data", "data/pages/x"])
def test_a_missing_asset_is_named(main: ModuleType, name: str) -> None:
    with pytest.raises(DeviceError, match=f"asset '{name}' is not in the image"):
        asset_beside(main, name)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "data/../../x", "data//pages", "./empty", "a\\b", "a\0"])
def test_a_name_that_leads_elsewhere_is_refused(main: ModuleType, name: str) -> None:
    with pytest.raises(StateError, match="names are relative"):
        asset_beside(main, name)


def test_a_program_without_a_file_has_no_assets() -> None:
    with pytest.raises(DeviceError, match="not loaded from a file"):
        asset_beside(ModuleType("prompt"), "x")


def test_the_program_is_the_main_module() -> None:
    with pytest.raises(DeviceError, match="asset 'no such thing'"):
        asset("no such thing")


def test_an_asset_is_found_beside_a_program_on_disk_and_in_a_zip(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "__main__.py").write_text(PROGRAM)
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        for path in (tmp_path / "__main__.py", tmp_path / "data" / "pages", tmp_path / "empty"):
            archive.write(path, path.relative_to(tmp_path))
    for program in ("__main__.py", "app.zip"):
        ran = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, check=False)
        assert (ran.stdout, ran.stderr) == (PAGES, b"")
