"""Where a build goes, and that it comes to be there whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fata.config.graph import File
from fata.config.settings import as_words
from fata.errors import ConfigError
from fata.target.dotted import load, split
from fata.target.output import folder as output_folder
from fata.target.output import make_files, write_main
from fata.target.program import write_program
from tests.config.conftest import Folder, refusal
from tests.target.programs import DEVICES, HELLO, WEB

STEPS = """
from pathlib import Path

def pack(source: str, output: str) -> None:
    Path(output).write_text("packed " + Path(source).name)

def fail(source: str, output: str) -> None:
    Path(output).write_text("half")
    raise OSError("no space left on device")
"""


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module with steps that make files of an image."""
    Folder(tmp_path / "steps").write({"steps_of_a_test.py": STEPS})
    monkeypatch.syspath_prepend(tmp_path / "steps")
    yield
    sys.modules.pop("steps_of_a_test", None)


def test_main_goes_beside_the_application(folder: Folder) -> None:
    graph = HELLO.write(folder).graph()
    main = write_main(graph, "0.1.0")
    assert main == folder.path / "build" / "unix" / "main.py"
    assert main.read_text("utf-8") == folder.program()
    assert output_folder(graph) == main.parent


def test_writing_again_replaces_it(folder: Folder) -> None:
    main = write_main(HELLO.write(folder).graph(), "0.1.0")
    write_main(folder.graph("--name=other"), "0.1.0")
    assert 'default="other"' in main.read_text("utf-8")
    assert [path.name for path in main.parent.iterdir()] == ["main.py"]


def test_a_run_leaves_what_is_given_at_boot_out_of_the_program(folder: Folder) -> None:
    """Two runs with different keys then share one main.py; each is told its keys by words."""
    HELLO.write(folder)
    plain = write_program(folder.graph(locked={"count": "3"}), "1")
    for words, environment in ((["--name=other"], {}), ([], {"FATA_NAME": "other"})):
        graph = folder.graph(*words, environment=environment, locked={"count": "3"}, booting=True)
        assert write_program(graph, "1") == plain
        assert as_words(graph.boot_keys, graph.settings) == ["--name=other"]
        assert output_folder(graph) == folder.path / "build" / "unix"


def test_a_run_without_a_value_that_is_needed_has_none_written(folder: Folder) -> None:
    text = write_program(WEB.write(folder).graph(booting=True), "1")
    assert 'Argument("port", integer, doc=' in text


def test_a_run_with_a_key_that_shapes_the_program_has_a_folder_of_its_own(folder: Folder) -> None:
    DEVICES.write(folder)
    folders = {output_folder(folder.graph(*words, booting=True)) for words in ([], ["--kv=folder"], ["--kv=memory"])}
    assert len(folders) == 3
    assert output_folder(folder.graph("--kv=folder")) == folder.path / "build" / "unix"
    again = folder.graph("--kv=folder", "--image=other.img", booting=True)
    assert output_folder(again) in folders


def test_files_are_made_by_the_steps_that_the_catalog_names(tmp_path: Path, steps: None) -> None:
    graph = WEB.write(Folder(tmp_path)).graph()
    told: list[str] = []
    (made,) = make_files(graph, told.append)
    assert made == tmp_path / "build" / "unix" / "crunch.crunch"
    assert made.read_bytes()
    assert told == ["packing htdocs"]


def test_a_file_that_cannot_be_made_leaves_the_old_one(
    tmp_path: Path, steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = WEB.write(Folder(tmp_path)).graph()
    (made,) = make_files(graph, lambda _: None)
    before = made.read_bytes()
    failing = [File("crunch.crunch", "steps_of_a_test:fail", tmp_path / "htdocs")]
    monkeypatch.setattr(type(graph), "files", property(lambda _: failing))
    with pytest.raises(OSError, match="no space"):
        make_files(graph, lambda _: None)
    assert made.read_bytes() == before
    assert [path.name for path in made.parent.iterdir()] == ["crunch.crunch"]


def test_a_dotted_name_is_loaded(steps: None) -> None:
    assert load("steps_of_a_test:pack").__name__ == "pack"


@pytest.mark.parametrize("name", ["", "module", "module:", ":name", "module:a.b", "module:1"])
def test_what_is_no_dotted_name_is_refused(name: str) -> None:
    assert "is no dotted name" in refusal(lambda: split(name)).reason


@pytest.mark.parametrize("name", ["surely_not_there:x", "json:surely_not_there"])
def test_a_dotted_name_that_leads_nowhere_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(name)
