"""What the host refuses is told in one line, whichever command meets it: no traceback, status 1."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tool.conftest import Fata

pytestmark = pytest.mark.slow  # each starts the command a few times


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Fata:
    """A folder with an image of each kind, a repository, and a file that is none of them."""
    fata = Fata(tmp_path_factory.mktemp("images"))
    (fata.folder / "file").write_text("x" * 100_000)
    fata("fat", "create", "fat.img", "--size", "1M")
    fata("fat", "add", "fat.img", "file")
    fata("btree", "format", "tree.img", "--size", "1M")
    fata("btree", "put", "tree.img", "large", "x" * 100_000)
    fata("irmin", "init", "git")
    fata("irmin", "--root", "git", "set", "large", "--file", "file")
    return fata


@pytest.mark.parametrize(
    "words",
    [
        "fat cat fat.img file",
        "fat list fat.img",
        "fat info fat.img --json",
        "btree get tree.img large",
        "btree dump tree.img",
        "btree list tree.img --json",
        "disk info fat.img",
        "irmin --root git get large",
        "irmin --root git log",
        "irmin --root git --json log",
    ],
)
def test_output_that_cannot_be_written(images: Fata, words: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fata.tool.main", *words.split()],
            cwd=images.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith("No space left on device\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "fat extract fat.img --to file",
        "fat list none.img",
        "btree format none/new.img --size 1M",
        "btree fsck tree.img --salvage none/saved",
        "irmin --root git dot -o none/history.svg",
        "irmin --root git set a --file none",
        "irmin init file/x",
    ],
)
def test_a_path_that_is_not_there(images: Fata, words: str) -> None:
    done = images(*words.split())
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "none" in done.stderr or "file" in done.stderr


def test_errors_are_json_where_json_is_asked_for(images: Fata) -> None:
    for words in ("fat list none.img --json", "fat list fat.img none --json", "btree info none.img --json"):
        done = images(*words.split())
        assert "none" in json.loads(done.stdout)["error"]["reason"]
        assert done.stderr == ""
