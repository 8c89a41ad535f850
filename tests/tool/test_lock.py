"""`fata lock` against pip itself, with an index that is a folder of wheels."""

from __future__ import annotations

import base64
import hashlib
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.images import runtimes
from tests.tool.conftest import Fata

pytestmark = [pytest.mark.peer, pytest.mark.slow]

APP = """\
import thing


class App:
    def __init__(self) -> None:
        self.thing = thing.VALUE

    async def run(self) -> None: ...
"""
CONFIG = """\
from fata.config import main, package, register

package("thing>=1")
register("app", main("app:App"))
"""


def make_wheel(
    folder: Path, name: str, version: str, source: str, requires: tuple[str, ...] = (), tag: str = ""
) -> Path:
    """Make a wheel with one module, as a build backend would."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag or 'py3-none-any'}\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items())
    wheel = folder / f"{name}-{version}-{tag or 'py3-none-any'}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return wheel


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    guest_only = 'part>=2; python_version < "3.12"'
    make_wheel(folder, "thing", "1.0", "VALUE = 1\n", ("part",))
    make_wheel(folder, "thing", "1.5", "import part\nVALUE = 15\n", (guest_only, 'absent; sys_platform == "win32"'))
    make_wheel(folder, "thing", "2.0", "", tag="cp311-cp311-manylinux_2_17_x86_64")
    make_wheel(folder, "part", "2.1", "")
    return folder


@pytest.fixture
def variables(index: Path, tmp_path: Path) -> Mapping[str, str]:
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_CONFIG_FILE": "/dev/null",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "FATA_RUNTIME": str(runtimes()),
    }


def test_the_newest_pure_wheels_are_locked_with_their_hashes_and_no_address(
    fata: Fata, index: Path, variables: Mapping[str, str]
) -> None:
    fata.write(app=APP, config=CONFIG)
    done = fata("lock", ".", variables=variables)
    assert done.returncode == 0, done.stderr
    lock = tomllib.loads((fata.folder / "wheels.lock").read_text())
    assert lock["requires"] == ["thing>=1"]
    assert [(row["name"], row["version"]) for row in lock["wheel"]] == [("part", "2.1"), ("thing", "1.5")]
    for row in lock["wheel"]:
        assert row["sha256"] == hashlib.sha256((index / row["file"]).read_bytes()).hexdigest()
    assert str(index) not in (fata.folder / "wheels.lock").read_text()


def test_check_takes_the_wheels_and_not_what_is_installed(fata: Fata, variables: Mapping[str, str]) -> None:
    fata.write(app=APP, config=CONFIG)
    assert "imports 'thing', which is not there" in fata.mistake("check", "-t", "virtio", ".", variables=variables)
    assert fata("lock", ".", variables=variables).returncode == 0
    done = fata("check", "-t", "virtio", "--json", ".", variables={**variables, "PIP_FIND_LINKS": "/nowhere"})
    assert '"notes": []' in done.stdout, (done.stdout, done.stderr)


def test_wheels_are_fetched_again_by_hash(fata: Fata, index: Path, variables: Mapping[str, str]) -> None:
    fata.write(app=APP, config=CONFIG)
    assert fata("lock", ".", variables=variables).returncode == 0
    elsewhere = {**variables, "XDG_CACHE_HOME": str(fata.folder / "empty")}
    assert "is locked and not at hand" in fata("check", "-t", "virtio", ".", variables=elsewhere).stderr
    assert "fetched 2 of 2 wheels" in fata("lock", "--fetch", ".", variables=elsewhere).stderr
    assert "not at hand" not in fata("check", "-t", "virtio", ".", variables=elsewhere).stderr
    for wheel in (fata.folder / "empty").rglob("*.whl"):
        wheel.unlink()
    make_wheel(index, "part", "2.1", "evil = True\n")
    refused = fata("lock", "--fetch", ".", variables=elsewhere)
    assert refused.returncode == 2
    assert "hash" in refused.stderr.lower()


def test_what_has_only_compiled_wheels_is_refused(fata: Fata, variables: Mapping[str, str]) -> None:
    fata.write(app=APP, config=CONFIG.replace("thing>=1", "thing>=2"))
    done = fata("lock", ".", variables=variables)
    assert done.returncode == 2
    assert "pip finds no pure wheels" in done.stderr
    assert not (fata.folder / "wheels.lock").exists()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="where pip itself sees another Python than the guest's")
def test_a_marker_is_judged_for_the_guest(fata: Fata, variables: Mapping[str, str]) -> None:
    fata.write(app=APP, config=CONFIG)
    assert fata("lock", ".", variables=variables).returncode == 0
    assert 'name = "part"' in (fata.folder / "wheels.lock").read_text()
