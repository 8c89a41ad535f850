"""[tool.fata] of pyproject.toml: which file counts, and what in it is refused."""

from __future__ import annotations

import pytest

from fata.config.pyproject import check_keys, read_pyproject
from tests.config.conftest import Folder, assert_blames, refusal


def test_the_nearest_pyproject_counts(folder: Folder) -> None:
    folder.write({"pyproject.toml": "[tool.fata]\ntarget = 'far'\n", "deep/er/app.py": ""})
    assert read_pyproject(folder.path / "deep" / "er") == {"target": "far"}
    folder.write({"deep/pyproject.toml": "[tool.fata.keys]\nport = 1\n"})
    assert read_pyproject(folder.path / "deep" / "er") == {"keys": {"port": 1}}
    folder.write({"deep/er/pyproject.toml": "[project]\nname = 'x'\n"})
    assert read_pyproject(folder.path / "deep" / "er") == {}


PYPROJECTS = {
    "no TOML": ("= x", "cannot be read"),
    "an unknown name": ("[tool.fata]\ntarge = 'unix'\n", "[tool.fata] has no 'targe'"),
    "keys that are no table": ("[tool.fata]\nkeys = 3\n", "is no table"),
    "no table": ("[tool]\nfata = 3\n", "is no table"),
    "no table of tools": ("tool = 3\n", "is no table"),
}


@pytest.mark.parametrize(("text", "reason"), PYPROJECTS.values(), ids=PYPROJECTS.keys())
def test_a_pyproject_that_makes_no_sense_is_told(folder: Folder, text: str, reason: str) -> None:
    folder.write({"pyproject.toml": text})
    error = refusal(lambda: read_pyproject(folder.path))
    assert error.file == str(folder.path / "pyproject.toml")
    assert reason in error.reason


def test_a_pyproject_that_is_not_utf_8_is_told(folder: Folder) -> None:
    (folder.path / "pyproject.toml").write_bytes(b"[tool.fata]\ntarget = '\xff'\n")
    assert "cannot be read" in refusal(lambda: read_pyproject(folder.path)).reason


UNKNOWN = {
    "in a table": ("[tool.fata.keys]\n# prot = 1\nname = 'x'\nprot = 80\n", 4),
    "in quotes": ("[tool.fata.keys]\n'prot' = 80\n", 2),
    "in a table of a line": ("[tool.fata]\nkeys = { name = 'x', prot = 80 }\n", 2),
    "with dots": ("[tool.fata]\ntarget = 'unix'\nkeys.prot = 80\n", 3),
    "after others of that name": ("[tool.other]\nprot = 1\n[tool.fata.keys]\nprot = 80\n", 4),
}


@pytest.mark.parametrize(("text", "line"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_name_that_is_no_key_is_refused_at_its_line(folder: Folder, text: str, line: int) -> None:
    folder.write({"pyproject.toml": text})
    given = read_pyproject(folder.path)["keys"]
    error = refusal(lambda: check_keys(folder.path, given, ["name", "port"]))
    assert_blames(error, folder.path / "pyproject.toml", line, "there is no key 'prot'", "Did you mean 'port'?")


def test_a_name_like_no_key_is_answered_by_those_there_are(folder: Folder) -> None:
    folder.write({"pyproject.toml": "[tool.fata.keys]\nzzz = 1\n"})
    assert "keys: name, port" in refusal(lambda: check_keys(folder.path, ["zzz"], ["name", "port"])).remedy
    assert "keys: none" in refusal(lambda: check_keys(folder.path, ["zzz"], [])).remedy


def test_a_file_that_several_applications_share_may_have_keys_of_each(folder: Folder) -> None:
    folder.write({"pyproject.toml": "[tool.fata.keys]\nport = 1\n", "one/config.py": ""})
    check_keys(folder.path / "one", read_pyproject(folder.path / "one")["keys"], ["name"])


def test_a_key_of_a_wrong_place_is_told_at_its_line(folder: Folder) -> None:
    folder.write({"pyproject.toml": "[tool.fata]\nkeys = {}\ntagret = 'unix'\n"})
    error = refusal(lambda: read_pyproject(folder.path))
    assert_blames(error, folder.path / "pyproject.toml", 3, "[tool.fata] has no 'tagret'", "Did you mean 'target'?")
