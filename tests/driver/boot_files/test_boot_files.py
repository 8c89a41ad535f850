"""BootFiles: the same of a process and of a machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fata.device import BootFiles
from fata.driver.boot_files.folder import BootFolder
from fata.driver.boot_files.given import GivenFiles
from fata.errors import ConfigError, Unavailable

Give = Callable[[Path], BootFiles]


def of_a_process(folder: Path) -> BootFiles:
    return GivenFiles([f"key.pem={folder / 'key.pem'}"])


def of_a_machine(folder: Path) -> BootFiles:
    return BootFolder(str(folder))


@pytest.mark.parametrize("give", [of_a_process, of_a_machine])
def test_a_file_that_was_given_is_found_and_another_is_refused_with_the_remedy(give: Give, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("secret")
    files = give(tmp_path)
    assert Path(files.path("key.pem")).read_text() == "secret"
    assert files.find("key.pem") == files.path("key.pem")
    assert files.find("ca.pem") is None
    with pytest.raises(Unavailable) as refused:
        files.path("ca.pem")
    assert (refused.value.reason, refused.value.remedy) == (
        "the program needs a file ca.pem",
        "Give it: --file ca.pem=PATH",
    )


def test_a_path_may_hold_an_equals_sign() -> None:
    assert GivenFiles(["a=/b=c"]).find("a") == "/b=c"


@pytest.mark.parametrize("words", [["a"], ["=b"], ["a="], ["a=b", "a=c"]])
def test_words_that_give_no_file_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="--file "):
        GivenFiles(words)
