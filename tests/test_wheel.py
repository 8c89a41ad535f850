"""The wheel alone is enough to make an image and boot it: no source tree, no compiler, only QEMU to run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts import wheel
from tests.programs import RUNTIMES, needs, needs_runtime

pytestmark = [pytest.mark.slow, pytest.mark.qemu, needs_runtime(), needs("qemu-system-x86_64")]

PYTHON = Path("/usr/bin/python3.11")  # Debian's, which is also the guest's; none of ours is installed in it
COMPILERS = ("gcc", "cc", "clang", "ld", "as", "objcopy", "make")
LARGEST = 24_000_000  # octets; two runtimes and the standard library are 15 MB packed
TEXTS = {"Apache-2.0", "LGPL-2.1", "GPL-3"}  # which notices name by their place in Debian


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it."""
    return wheel.build(tmp_path_factory.mktemp("dist"))


def test_holds_the_runtime_and_the_licences_of_what_is_linked_in(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    assert {name for name in names if "runtimes/" in name} == {f"fata/runtimes/{file}" for file in wheel.RUNTIME_FILES}
    licences = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    assert licences >= {"LICENSE", *TEXTS, *(path.name for path in (RUNTIMES / "licences").iterdir())}
    assert f"License-Expression: {wheel.LICENCE}\n" in metadata
    assert built.stat().st_size < LARGEST


def test_boots_hello_where_there_is_no_compiler(built: Path, tmp_path: Path) -> None:
    fata = install(built, tmp_path / "venv")
    project = tmp_path / "hello"
    shutil.copytree(wheel.ROOT / "examples" / "hello", project, ignore=shutil.ignore_patterns("build", "__pycache__"))
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "qemu-system-x86_64").symlink_to(str(shutil.which("qemu-system-x86_64")))
    assert not [name for name in COMPILERS if shutil.which(name, path=str(tools))]
    environment = {"PATH": str(tools), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [fata, *words], cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr

    status, said = run("build", "-t", "virtio")
    assert status == 0, said
    assert (project / "build" / "virtio" / "hello.elf").is_file()
    assert run("run", "-t", "virtio", "--accel", "tcg", "--name", "wheel") == (0, "hello wheel\n")


def install(built: Path, folder: Path) -> Path:
    """Install the wheel, with what it requires, into an empty environment; return its `fata`."""
    hidden = ("FATA_RUNTIME", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    python = folder / "bin" / "python"
    commands: list[list[str | Path]] = [
        [PYTHON, "-I", "-m", "venv", folder],
        [python, "-I", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", built],
    ]
    for command in commands:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "bin" / "fata"
