"""`fata irmin` as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fata.errors import ConfigError
from fata.tool.commands.irmin import COMMANDS, command

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs `fata irmin …` in a folder with a repository, and gives what it prints on standard output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ann")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ann@example.org")

    def irmin(*words: str, stdin: bytes | None = None, status: int = 0) -> str:
        result = CliRunner().invoke(command, words, input=stdin, prog_name="fata irmin")
        if isinstance(result.exception, ConfigError):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.stdout

    irmin("init", ".")
    return irmin


def answer(run: Run, *words: str) -> Any:
    return json.loads(run("--json", *words))


def test_what_is_set_is_got(run: Run, tmp_path: Path) -> None:
    first = run("set", "a/b", "hello", "--message", "first").strip()
    (tmp_path / "file").write_bytes(b"\xff\x00")
    run("set", "a/c", "--file", str(tmp_path / "file"))
    run("set", "d", "--file", "-", stdin=b"from a pipe")
    assert run("get", "a/b") == "hello"
    assert run("get", "d") == "from a pipe"
    assert answer(run, "get", "a/b") == {"path": "a/b", "value": "hello"}
    assert answer(run, "get", "a/c") == {"path": "a/c", "value": {"base64": "/wA="}}
    assert run("list") == "a/\nd\n"
    assert answer(run, "list", "a") == [{"name": "b", "kind": "contents"}, {"name": "c", "kind": "contents"}]
    assert run("tree") == "├─ a/\n│  ├─ b\n│  └─ c\n└─ d\n"
    assert run("tree", "--depth", "1") == "├─ a/\n└─ d\n"
    assert run("list", "--commit", first[:8]) == "a/\n"
    run("remove", "a")
    assert run("list") == "d\n"
    assert answer(run, "tree") == ["d"]


def test_history(run: Run) -> None:
    ids = [run("set", "a", str(number), "-m", f"number {number}").strip() for number in range(3)]
    run("set", "b", "x")
    assert [each["message"] for each in answer(run, "log")] == ["set b", "number 2", "number 1", "number 0"]
    assert [each["commit"] for each in answer(run, "log", "a", "--number", "2")] == [ids[2], ids[1]]
    assert [each["message"] for each in answer(run, "log", "--skip", "2", "--reverse")] == ["number 0", "number 1"]
    assert run("log", "--oneline", "-n", "1").rstrip().endswith(" set b")
    assert "Author: Ann <ann@example.org>\n" in run("log")
    assert run("snapshot").strip() == answer(run, "log", "-n", "1")[0]["commit"]
    run("revert", ids[0])
    assert (run("get", "a"), run("list")) == ("0", "a\n")
    assert len(answer(run, "log")) == 5, "a commit on top"
    run("revert", ids[1], "--hard")
    assert len(answer(run, "log")) == 2
    assert [run("get", "a", "--commit", name) for name in ("HEAD", "HEAD~1", "main^", "main~", ids[1][:8] + "~0")] == [
        "1", "0", "0", "0", "1",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="no so long history"):
        run("revert", "main~2")


def test_branches_and_merges(run: Run) -> None:
    run("set", "n", "a\nb\nc\nd\n")
    run("--branch", "draft", "merge", "main")
    run("--branch", "draft", "set", "n", "A\nb\nc\nd\n")
    run("set", "n", "a\nb\nc\nD\n")
    run("merge", "draft", "-m", "both")
    assert run("get", "n") == "A\nb\nc\nD\n", "merged line by line"
    assert [(each["branch"], each["current"]) for each in answer(run, "branches")] == [("draft", False), ("main", True)]
    assert "* main" in run("branches")
    run("--branch", "draft", "set", "n", "other\n")
    with pytest.raises(ConfigError, match="'n'"):
        run("merge", "draft")
    assert answer(run, "merge", "main") == {"commit": None}


def test_pictures(run: Run, tmp_path: Path) -> None:
    run("set", "a", "1", "-m", 'say "hi"')
    run("--branch", "x", "merge", "main")
    assert run("dot").startswith("digraph history {")
    assert '[label="' in run("dot")
    run("dot", "--output", "history.svg")
    assert "[main] [x]" in (tmp_path / "history.svg").read_text()


def test_upkeep(run: Run, tmp_path: Path) -> None:
    run("set", "a", "1")
    run("--branch", "x", "set", "b", "2")
    assert answer(run, "fsck") == []
    (tmp_path / "refs/heads/x").unlink()
    assert answer(run, "gc") == {"kept": 3, "deleted": 0, "young": 3}
    assert answer(run, "gc", "--now") == {"kept": 3, "deleted": 3, "young": 0}
    blob = subprocess.run(["git", "rev-parse", "main:a"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "objects" / blob[:2] / blob[2:]).unlink()
    problems = json.loads(run("--json", "fsck", status=1))
    assert [problem["what"] for problem in problems] == [blob]


def test_folders_are_remotes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("set", "a", "1")
    assert answer(run, "clone", str(tmp_path), str(tmp_path / "copy"))["branch"] == "main"
    monkeypatch.chdir(tmp_path / "copy")
    assert run("get", "a") == "1"
    run("set", "b", "2")
    assert answer(run, "push") == {"pushed": True}
    assert answer(run, "push") == {"pushed": False}
    monkeypatch.chdir(tmp_path)
    assert run("get", "b") == "2"
    head = run("set", "c", "3").strip()
    monkeypatch.chdir(tmp_path / "copy")
    assert run("fetch").strip() == head
    assert run("pull").strip() == head
    run("set", "d", "4")
    assert run("pull", "--set").strip() == head
    with pytest.raises(ConfigError, match="not empty"):
        run("clone", str(tmp_path), str(tmp_path / "copy"))


def test_a_clone_that_fails_leaves_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in ("new", "there"):
        with pytest.raises(ConfigError, match="branch main: not found"):
            run("clone", str(tmp_path), folder)
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "there").iterdir()) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="not empty"):
        run("clone", str(tmp_path), "file")
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("file", ["irmin.toml", "pyproject.toml"])
def test_settings(run: Run, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    table = "[tool.fata.irmin]\n" if file == "pyproject.toml" else ""
    settings = 'root = ".."\nbranch = "other"\ncontents = "json"\nauthor = "Bob <b@c>"\n'
    (folder / file).write_text(table + settings)
    monkeypatch.chdir(folder)
    run("set", "a", "[1]")
    assert answer(run, "get", "a") == {"path": "a", "value": [1]}
    assert answer(run, "log")[0]["author"] == "Bob <b@c>"
    assert [each["branch"] for each in answer(run, "branches")] == ["other"]
    with pytest.raises(ConfigError, match="json"):
        run("set", "a", "{")
    (folder / file).write_text(f'{table}brnch = "x"\n')
    with pytest.raises(ConfigError, match=r"brnch(.|\n)*Did you mean branch"):
        run("list")
    (folder / file).write_text(f"{table}branch = 1\n")
    with pytest.raises(ConfigError, match="text"):
        run("list")
    (folder / file).write_text(f'{table}root = ".."\ndurability = "now"\n')
    with pytest.raises(ConfigError, match=r"no durability 'now'(.|\n)*sync, batch, none"):
        run("list")


@pytest.mark.parametrize(
    ("words", "settings", "forced"),
    [
        ([], "", True),
        (["--durability", "batch"], "", True),
        (["--durability", "none"], "", False),
        ([], 'durability = "none"', False),
        (["--durability", "sync"], 'durability = "none"', True),
    ],
)
def test_a_commit_is_on_the_disk_when_the_command_returns(
    run: Run, words: list[str], settings: str, forced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, calls.append)
    monkeypatch.chdir(tmp_path)
    Path("irmin.toml").write_text(settings)
    run(*words, "set", "a", "1")
    assert bool(calls) == forced


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["get", "x"], "'x': not found"),
        (["get", "../x"], "is no step"),
        (["set", "a//b", "1"], "is no step"),
        (["set", "a"], "VALUE or --file"),
        (["set", "a", "--file", "nothing"], "No such file"),
        (["list", "nothing"], "not found"),
        (["remove", "nothing"], "not found"),
        (["revert", "0123456"], "not found"),
        (["--branch", "a..b", "list"], "a..b"),
        (["--root", "nothing", "list"], "no git repository"),
        (["snapshot"], "branch main has no commit yet"),
        (["set", "", "1"], "root"),
        (["set", ".git/hooks/update", "1"], "git's own directory"),
        (["remove", ""], "root"),
        (["tree", "nothing"], "not found"),
        (["pull"], "no remote"),
        (["push", "nothing"], "no git repository"),
        (["fetch", "git://127.0.0.1:1/x"], "refused"),
        (["fetch", "http://127.0.0.1:1/x"], "^http://127.0.0.1:1/x: Connection refused$"),
        (["fetch", "foo://127.0.0.1:1/x"], "nobody speaks foo://"),
        (["fetch", "http://127.0.0.1:1/x", "--header", "x"], "no colon"),
        (["gett", "x"], "fata irmin gett"),
    ],
)
def test_mistakes_are_told_in_one_line(run: Run, words: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        run(*words)


def test_a_directory_is_told_from_what_is_not_there(run: Run) -> None:
    run("set", "a/b", "1")
    with pytest.raises(ConfigError, match="'a' is a directory"):
        run("get", "a")
    with pytest.raises(ConfigError, match="'a/b': not found"):
        run("tree", "a/b")


def test_names_give_a_terminal_no_orders(run: Run) -> None:
    run("set", "a\x1b[31m\nb/c", "1")
    assert run("list") == "a?[31m?b/\n"
    assert "\x1b" not in run("tree")
    assert answer(run, "list")[0]["name"] == "a\x1b[31m\nb"


def test_a_history_that_was_cut_ends_there(run: Run) -> None:
    for number in range(4):
        run("set", "a", str(number))
    run("gc", "--depth", "2")
    assert [each["message"] for each in answer(run, "log")] == ["set a"] * 2


def test_the_author_is_git_s_user(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", "ben")
    run("set", "a", "0")
    assert answer(run, "log")[0]["author"] == "ben <>"
    (home / ".gitconfig").write_text(
        '[user "other"]\nname = Nobody\n[core]\nname = Nobody\n[ User ]\n\tName = "Ann \\"A\\" B" ; and a comment\n'
        "\temail = ann@example.org # hers\n"
    )
    run("set", "a", "1")
    assert answer(run, "log")[0]["author"] == 'Ann "A" B <ann@example.org>'
    with (tmp_path / "config").open("a") as config:
        config.write("[user]\n\tname = Carl\n")
    run("set", "a", "2")
    assert answer(run, "log")[0]["author"] == "Carl <ann@example.org>"


def test_outside_of_any_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, ["list"])
    assert "fata irmin init" in str(result.exception)


def test_every_command_has_help() -> None:
    for name, (_, text) in COMMANDS.items():
        result = CliRunner().invoke(command, [name, "--help"])
        assert result.exit_code == 0
        assert text


@pytest.mark.slow
def test_watching_runs_a_program_for_each_change(run: Run, tmp_path: Path) -> None:
    script = "import os; print('heard', os.environ['FATA_BRANCH'], len(os.environ['FATA_NEW']), flush=True)"
    words = (
        sys.executable,
        "-m",
        "fata.tool.main",
        "irmin",
        "watch",
        "--count",
        "2",
        "a",
        sys.executable,
        "-c",
        script,
    )
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "watching\n"
        run("set", "b", "not there")
        run("set", "a/x", "1")
        run("set", "a/x", "2")
        out, _ = process.communicate(timeout=30)
    assert out == "heard main 40\n" * 2
