"""The runner on a real guest, with modules that are seeded to fail: each is told, and none takes the others with it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.cpython import boot, image, tree
from tests.cpython.verdict import judge
from tests.programs import needs_runtime

GOOD = """
import unittest
class Good(unittest.TestCase):
    def test_good(self):
        print("noise", end="")
"""
SEEDED = {
    "test_0_dies": "import faulthandler, unittest\nclass Dies(unittest.TestCase):\n"
    "    def test_good(self): pass\n    def test_null(self): faulthandler._read_null()\n",
    "test_1_fails": GOOD.replace('print("noise", end="")', "assert False, 'seeded'"),
    "test_2_hangs": "import time, unittest\nclass Hangs(unittest.TestCase):\n"
    "    def test_hang(self): time.sleep(600)\n",
    "test_3_breaks": "import _no_such_module\n",
    "test_4_skipped": "import unittest\nraise unittest.SkipTest('not here')\n",
    "test_5_good": GOOD,
}


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    """Return a package `test` with the real support and our modules."""
    real, folder = tree.library() / "test", tmp_path / "test"
    shutil.copytree(real / "support", folder / "support")
    shutil.copy(real / "__init__.py", folder)
    for name, source in SEEDED.items():
        (folder / f"{name}.py").write_text(source)
    return folder


@pytest.mark.qemu
@needs_runtime()
def test_what_fails_in_the_guest_is_told(seeded: Path) -> None:
    ran = {each.name: each for each in boot.run(list(SEEDED), 8, partial(image.make, folder=seeded))}
    assert list(ran) == list(SEEDED)
    verdict = judge(ran.values(), {})
    text = {each.test: each.text for each in verdict.unexpected}
    assert list(text) == [
        "test.test_0_dies",
        "test.test_1_fails.Good.test_good",
        "test.test_2_hangs",
        "test.test_3_breaks",
    ]
    assert "Segmentation fault" in text["test.test_0_dies"]
    assert "test_null" in text["test.test_0_dies"]
    assert "seeded" in text["test.test_1_fails.Good.test_good"]
    assert "in test_hang" in text["test.test_2_hangs"]
    assert "_no_such_module" in text["test.test_3_breaks"]
    assert ran["test_0_dies"].count("passed") == 1
    assert ran["test_4_skipped"].count("skipped") == 1
    assert ran["test_5_good"].count("passed") == 1
