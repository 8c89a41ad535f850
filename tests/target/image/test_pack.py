"""What goes into an archive, and that the same program gives the same octets wherever and whenever it is packed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fata.errors import ConfigError
from fata.target.image.archive import Entry, write_archive
from fata.target.image.compiled import can_compile
from fata.target.image.distributions import Distribution, File, shelf_of
from fata.target.image.image import LOADED, Verdict, make_image
from fata.target.image.pack import APPLICATION, FILES, LIBRARY, pack
from tests.images import distribution, find_in, full_runtime, runtimes, write_tree

guest_only = pytest.mark.skipif(not can_compile(), reason="only the guest's Python compiles for it")


def packed(folder: Path, *distributions: Distribution, files: tuple[Path, ...] = ()) -> dict[str, Entry]:
    findings = find_in(folder, shelf_of(distributions))
    entries = pack(b"import app\n", findings, full_runtime(), files)
    return {entry.path: entry for entry in entries}


@guest_only
def test_own_modules_are_there_as_source_and_code_the_rest_as_code(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist, json\n"})
    entries = packed(tmp_path, distribution("dist", dist="VALUE = 1"))
    for path in (
        "app.py",
        "app.pyc",
        "__main__.py",
        "__main__.pyc",
        "dist.pyc",
        "json/__init__.pyc",
        "json/decoder.pyc",
    ):
        assert path in entries
    assert not {"dist.py", "json/__init__.py"} & set(entries)
    assert entries["app.pyc"].group == APPLICATION
    assert entries["json/__init__.pyc"].group == LIBRARY
    assert entries["dist.pyc"].group == "dist"


def test_what_is_frozen_or_in_c_is_not_packed_again(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import os, time, encodings.idna\n"})
    entries = packed(tmp_path)
    assert not {"os.pyc", "time.pyc", "encodings/__init__.pyc"} & set(entries)
    assert "encodings/idna.pyc" in entries


def test_assets_are_packed_by_their_names(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "", "build/site.crunch": "data"})
    entry = packed(tmp_path, files=(tmp_path / "build" / "site.crunch",))["site.crunch"]
    assert (entry.data, entry.group) == (b"data", FILES)


@guest_only
def test_a_module_of_a_distribution_for_a_later_python_is_kept_as_it_is(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    entries = packed(tmp_path, distribution("dist", dist__init="", dist__later="type A = int"))
    assert "dist/later.py" in entries
    assert "dist/later.pyc" not in entries


@guest_only
def test_what_reads_but_does_not_compile_is_refused_at_its_line(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "x = 1\nreturn x\n"})
    with pytest.raises(ConfigError, match=r"app\.py:2: cannot be compiled: 'return' outside function"):
        packed(tmp_path)


@guest_only
def test_the_archive_runs_in_an_isolated_python_and_a_traceback_shows_lines(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import json\nfrom lib.data import VALUE\nprint(json.dumps(VALUE))\n"})
    write_tree(tmp_path, {"lib/data.py": "VALUE = [1]\n"})
    archive = tmp_path / "app.zip"
    archive.write_bytes(write_archive(packed(tmp_path).values(), {}))
    done = subprocess.run([sys.executable, "-I", "-S", archive], capture_output=True, text=True, check=True)
    assert done.stdout == "[1]\n"
    with zipfile.ZipFile(archive) as opened:
        assert b"/app.zip/app.py" in opened.read("app.pyc")


def test_the_floor_is_the_measured_one_and_room_for_files(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": ""})
    asset = tmp_path / "site.crunch"
    asset.write_bytes(bytes(3 << 20))
    findings = find_in(tmp_path)
    image = make_image(Verdict(full_runtime(), findings), b"import app", [])
    assert image.floor == 20
    assert make_image(Verdict(full_runtime(), findings), b"import app", [asset]).floor == 23
    write_tree(tmp_path, {"app.py": "import asyncio"})
    assert make_image(Verdict(full_runtime(), find_in(tmp_path)), b"import app", []).floor == 28


@guest_only
def test_the_floor_has_room_for_distributions_and_more_for_what_of_them_is_imported(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    big = f"TEXT = {'x' * (3 << 19)!r}\n"  # 1.5 MiB of code

    def floor(dist: Distribution) -> int:
        findings = find_in(tmp_path, shelf_of([dist]))
        return make_image(Verdict(full_runtime(), findings), b"import app", []).floor

    data = {"dist/__init__.py": File("", bytes), "dist/data": File("", lambda: bytes(2 << 20))}
    assert floor(Distribution("dist", "1", data)) == 22
    aside, imported = (distribution("dist", dist__init=text, dist__big=big) for text in ("", "import dist.big\n"))
    octets = len(packed(tmp_path, aside)["dist/big.pyc"].data)
    assert floor(aside) == 20 + octets // (1 << 20)
    assert floor(imported) == 20 + (LOADED + 1) * octets // (1 << 20)


PACK = """
import sys
from pathlib import Path
from fata.target.image.archive import write_archive
from fata.target.image.distributions import installed_shelf
from fata.target.image.finder import find
from fata.target.image.image import LOADED, Verdict, make_image
from fata.target.image.pack import pack
from fata.target.image.runtime import load_runtime
from fata.target.image.standard import standard
runtime, main = load_runtime(Path(sys.argv[1])), Path("main.py").read_bytes()
findings = find(main, Path.cwd(), standard(runtime), installed_shelf())
sys.stdout.buffer.write(write_archive(pack(main, findings, runtime, [])))
"""

APP = """
import asyncio, dataclasses, h11, json
from fata.http import serve_files
SET = {"b", "a", "c", 1, 2.5}
def f(x):
    return x in {"one", "two", "three", None, b"four"}
"""


def test_the_archive_is_the_same_in_another_folder_and_under_another_hash_seed(tmp_path: Path) -> None:
    archives = []
    for seed, name in (("1", "here"), ("4242", "elsewhere/and deeper")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        write_tree(folder, {"app.py": APP, "main.py": "import app\n"})
        variables = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC-{len(seed)}"}
        words = [sys.executable, "-c", PACK, str(runtimes() / "full")]
        done = subprocess.run(words, cwd=folder, env=variables, stdout=subprocess.PIPE, check=True)
        archives.append(done.stdout)
    assert len(archives[0]) > 1_000_000
    assert archives[0] == archives[1]
