"""Paths: what stands in a file is relative to the application's folder, what is typed to the current one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fata.config.graph import Boot, File, Graph
from fata.config.lock import locked_values
from fata.config.settings import path_of
from tests.config.conftest import Folder

APP = """
from fata.device import KvRo

class App:
    def __init__(self, site: KvRo) -> None: ...
    async def run(self) -> None: ...
"""
CONFIG = "from fata.config import *\nregister('app', main('app:App', site={}))\n"
OPTION = "from fata.config import *\nregister('app', main('app:App'))\n"


@pytest.fixture
def elsewhere(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder, which is the current one; both have a folder `pages`."""
    current = folder.path / "elsewhere"
    for place in (folder.path / "shop", current):
        (place / "pages").mkdir(parents=True)
    monkeypatch.chdir(current)
    return current


@pytest.fixture
def shop(folder: Folder, elsewhere: Path) -> Folder:
    """The application's folder, not the current one."""
    return Folder(elsewhere.parent / "shop").app(APP)


def root(graph: Graph) -> Path:
    """Return where the only device looks for its files."""
    (node,) = graph.nodes
    for _, operand in node.arguments:
        match operand:
            case Boot(key):
                return path_of(graph.settings[key.name], graph.project.directory)
            case File(_, _, source):
                return source
            case Path():
                return operand
    raise AssertionError(node)


IN_CONFIG = [
    "directory('pages')",
    "crunch('pages')",
    "generic_kv_ro('pages')",
    "directory(key('at', str, default='pages'))",
    "directory(key('at', str, default='pages', stage='boot'))",
    "directory(key('at', str, default='pages', stage='configure'))",
    "crunch(key('at', str, default='pages', stage='configure'))",
]


@pytest.mark.parametrize("site", IN_CONFIG)
def test_a_path_in_config_is_relative_to_config(shop: Folder, site: str) -> None:
    assert root(shop.config(CONFIG.format(site)).graph()) == shop.path / "pages"


@pytest.mark.parametrize("site", IN_CONFIG[3:])
def test_a_path_on_the_command_line_is_relative_to_the_current_folder(shop: Folder, elsewhere: Path, site: str) -> None:
    shop.config(CONFIG.format(site))
    assert root(shop.graph("--at=pages")) == elsewhere / "pages"
    assert root(shop.graph(environment={"FATA_AT": "pages"})) == elsewhere / "pages"


@pytest.mark.parametrize("site", IN_CONFIG[3:])
def test_a_path_in_pyproject_or_lock_is_relative_to_the_application(shop: Folder, site: str) -> None:
    shop.config(CONFIG.format(site))
    assert root(shop.graph(pyproject={"at": "pages"})) == shop.path / "pages"
    if "boot" not in site:
        assert root(shop.graph(locked={"at": "pages"})) == shop.path / "pages"


@pytest.mark.parametrize("site", IN_CONFIG[3:])
def test_an_absolute_path_is_one_everywhere(shop: Folder, elsewhere: Path, site: str) -> None:
    pages = str(elsewhere / "pages")
    shop.config(CONFIG.format(site))
    assert root(shop.graph(f"--at={pages}")) == Path(pages)
    assert root(shop.graph(pyproject={"at": pages})) == Path(pages)


def test_the_option_for_a_store_is_relative_to_the_current_folder(shop: Folder, elsewhere: Path) -> None:
    assert root(shop.config(OPTION).graph("--site=pages")) == elsewhere / "pages"


LOCKED = [OPTION, CONFIG.format("directory(key('site', str, default='pages'))")]


@pytest.mark.parametrize("config", LOCKED)
def test_a_path_that_was_typed_means_the_same_folder_once_it_is_locked(
    shop: Folder, elsewhere: Path, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = shop.config(config).graph("--site=pages")
    locked = locked_values(graph)
    assert locked["site"] == "../elsewhere/pages"
    monkeypatch.chdir(shop.path)
    again = shop.graph(locked=locked)
    assert root(again).resolve() == elsewhere / "pages"
    assert locked_values(again) == locked


def test_a_locked_default_and_an_absolute_path_stay_as_they_are(shop: Folder, elsewhere: Path) -> None:
    shop.config(LOCKED[1])
    assert locked_values(shop.graph())["site"] == "pages"
    assert locked_values(shop.graph(f"--site={elsewhere}"))["site"] == str(elsewhere)


def test_an_empty_path_is_locked_as_one(shop: Folder) -> None:
    assert locked_values(shop.config(LOCKED[1]).graph("--site="))["site"] == ""


@pytest.mark.parametrize("stage", ["both", "boot"])
def test_a_default_path_in_the_program_is_absolute(shop: Folder, stage: str) -> None:
    """The program may be started from anywhere."""
    shop.config(CONFIG.format(f"directory(key('at', str, default='pages', stage={stage!r}))"))
    assert f'default="{shop.path}/pages"' in shop.program()
    assert "root=given[AT]" in shop.program()


def test_a_path_that_cannot_be_given_at_boot_is_written_into_the_program(shop: Folder, elsewhere: Path) -> None:
    assert f'root="{elsewhere}/pages"' in shop.config(OPTION).program("--site=pages")
