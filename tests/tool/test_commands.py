"""The commands of `fata` as a user calls them, on the examples and on fresh folders."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tool.conftest import EXAMPLES, Fata

pytestmark = pytest.mark.slow  # in all, some seconds


@pytest.fixture
def hello(fata: Fata) -> Fata:
    """A copy of examples/hello, in which commands may leave what they make."""
    for name in ("app.py", "config.py"):
        shutil.copy(EXAMPLES / "hello" / name, fata.folder)
    return fata


def test_run_passes_keys_and_arguments_intact(hello: Fata) -> None:
    done = hello("run", ".", "--name", 'a "b"  ç\\ \'', "--count=2")
    assert (done.returncode, done.stdout) == (0, 'hello a "b"  ç\\ \'\n' * 2)


def test_run_without_a_folder_takes_this_one(hello: Fata) -> None:
    assert hello("run", "--name", "here").stdout == "hello here\n"


def test_run_of_a_class_needs_no_config(hello: Fata) -> None:
    (hello.folder / "config.py").unlink()
    assert hello("run", "app:Hello", "--count", "2").stdout == "hello world\n" * 2


def test_precedence_of_keys(hello: Fata) -> None:
    (hello.folder / "pyproject.toml").write_text('[tool.fata.keys]\nname = "pyproject"\ncount = 1\n')
    origins = {}
    for name, words, variables in [
        ("pyproject", (), {}),
        ("environment", (), {"FATA_NAME": "environment"}),
        ("line", ("--name", "line"), {"FATA_NAME": "environment"}),
    ]:
        assert hello("run", ".", *words, variables=variables).stdout == f"hello {name}\n"
        described = json.loads(hello("describe", ".", "--json", *words, variables=variables).stdout)
        origins[name] = next(key["origin"] for key in described["keys"] if key["name"] == "name")
    assert origins == {"pyproject": "pyproject.toml", "environment": "FATA_NAME", "line": "command line"}


def test_target_from_environment_and_pyproject(hello: Fata) -> None:
    assert "unknown target 'moon'" in hello.mistake("describe", ".", variables={"FATA_TARGET": "moon"})
    (hello.folder / "pyproject.toml").write_text('[tool.fata]\ntarget = "mars"\n')
    assert "unknown target 'mars'" in hello.mistake("describe", ".")
    assert hello("describe", ".", "-t", "unix").returncode == 0


def test_configure_writes_lock_and_program(hello: Fata) -> None:
    done = hello("configure", ".", "--name", "locked", "--json")
    told = json.loads(done.stdout)
    assert told["keys"] == {"name": "locked", "count": "1"}
    assert Path(told["main"]).is_file()
    assert hello("run", ".").stdout == "hello locked\n"
    assert hello("run", ".", "--name", "other").stdout == "hello other\n"


def test_configure_again_leaves_alone_what_has_not_changed(hello: Fata) -> None:
    told = json.loads(hello("configure", ".", "--json").stdout)
    files = [Path(told["main"]), Path(told["lock"])]
    made = [file.stat() for file in files]
    assert hello("configure", ".").returncode == 0
    assert [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files] == [
        (each.st_ino, each.st_mtime_ns) for each in made
    ]
    texts = [file.read_text() for file in files]
    for words, expected in [(("--name", "other"), "other"), ((), "world")]:
        assert hello("configure", ".", *words).returncode == 0
        assert all(expected in file.read_text() for file in files)
    assert [file.read_text() for file in files] == texts


def test_build_makes_an_executable_that_reads_the_same_words(hello: Fata) -> None:
    told = json.loads(hello("build", ".", "--name", "built", "--json").stdout)
    shutil.copy(hello.folder / "app.py", hello.folder / "elsewhere.py")
    (hello.folder / "app.py").unlink()  # the program carries what it needs
    program = Path(told["output"])
    assert program.stat().st_size == told["size"]
    run = [str(program), "--count", "2"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "hello built\n" * 2
    assert (
        "whom to greet (default: built)"
        in subprocess.run([str(program), "--help"], capture_output=True, text=True, check=True).stdout
    )


def test_build_is_reproducible(hello: Fata) -> None:
    programs = []
    for _ in range(2):
        told = json.loads(hello("build", ".", "--json").stdout)
        programs.append(Path(told["output"]).read_bytes())
    assert programs[0] == programs[1]


def test_exceptions_and_statuses(fata: Fata) -> None:
    fata.write(
        app="class App:\n"
        "    def __init__(self, *, how: str) -> None:\n"
        "        self.how = how\n\n"
        "    async def run(self) -> None:\n"
        "        if self.how == 'exit':\n"
        "            raise SystemExit(7)\n"
        "        raise RuntimeError('on purpose')\n"
    )
    assert fata("run", "app:App", "--how", "exit").returncode == 7
    done = fata("run", "app:App", "--how", "raise")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: on purpose\n")


def test_describe_in_every_format(hello: Fata) -> None:
    data = json.loads(hello("describe", ".", "--format", "json").stdout)
    names = {node["id"] for node in data["nodes"]}
    assert names == {"hello", "console"}
    assert [(edge["source"], edge["target"], edge["label"]) for edge in data["edges"]] == [
        ("hello", "console", "console")
    ]
    for form in ("tree", "svg", "mermaid", "dot"):
        text = hello("describe", ".", "--format", form).stdout
        assert all(name in text for name in names), form
    tree = hello("describe", ".").stdout
    assert tree.startswith("Name    hello\nTarget  unix\n")
    assert "--name   world  (default)" in tree
    assert hello("describe", ".", "--format", "svg", "-o", "graph.svg").returncode == 0
    assert (hello.folder / "graph.svg").read_text().startswith("<svg")


def test_help_lists_the_keys_with_their_docs(hello: Fata) -> None:
    text = hello("run", ".", "--help").stdout
    assert "--name TEXT" in text
    assert "whom to greet [default: world]" in text
    assert "--reload" in text


@pytest.mark.parametrize("template", ["console", "web"])
@pytest.mark.slow
def test_new_makes_something_that_runs_and_passes_its_test_and_the_checks(fata: Fata, template: str) -> None:
    done = fata("new", "my-app", "--template", template)
    assert done.returncode == 0, done.stderr
    tested = fata("test", "my-app", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    checked = fata("check", "my-app")
    assert checked.returncode == 0, checked.stderr
    built = fata("build", "my-app")
    assert built.returncode == 0, built.stderr
    if template == "console":
        assert fata("run", "my-app").stdout == "hello world\n"


def test_new_refuses_what_it_cannot_make(fata: Fata) -> None:
    (fata.folder / "there").mkdir()
    assert "there exists" in fata.mistake("new", "there")
    assert "is not a name" in fata.mistake("new", "no spaces")
    assert "does not begin with a letter" in fata.mistake("new", "1st")


@pytest.mark.slow
def test_check_lets_mypy_read_what_would_run(fata: Fata) -> None:
    fata.write(
        app="from fata.device import Console\n\n\n"
        "class App:\n"
        "    def __init__(self, console: Console) -> None:\n"
        "        self.console = console\n\n"
        "    async def run(self) -> None:\n"
        "        self.console.write(3)\n",
        config='from fata.config import main, register\n\nregister("app", main("app:App"))\n',
    )
    done = fata("check", ".")
    assert done.returncode == 2
    assert "app.py:9: error: Argument 1" in done.stderr


def test_clean_removes_only_what_fata_made(hello: Fata) -> None:
    before = hello.contents()
    (hello.folder / "build" / "mine").mkdir(parents=True)
    (hello.folder / "build" / "mine" / "notes").write_text("keep")
    assert hello("configure", ".").returncode == 0
    told = json.loads(hello("clean", ".", "--lock", "--json").stdout)
    assert len(told["removed"]) == 2
    assert hello.contents() == {**before, str(hello.folder / "build" / "mine" / "notes"): b"keep"}
    assert hello("clean", ".").stderr == "nothing to remove\n"


def test_doctor_speaks_json(fata: Fata) -> None:
    done = fata("doctor", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["ok"] is True
    assert {"what", "there", "needed", "remedy"} == set(told["findings"][0])


def test_doctor_says_that_there_is_no_runtime_and_how_to_make_it(fata: Fata) -> None:
    done = fata("doctor", variables={"FATA_RUNTIME": str(fata.folder)})
    assert re.search(r"missing +runtime of unikernels +for `fata build -t virtio`; make runtime", done.stdout)
    assert done.returncode == 0, "nothing else needs it"


@pytest.mark.parametrize("topic", ["devices", "targets", "keys", "reserved", "errors", "run"])
def test_help_topics(fata: Fata, topic: str) -> None:
    assert len(fata("help", topic).stdout) > 60


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(fata: Fata, shell: str) -> None:
    assert "_FATA_COMPLETE" in fata("completion", shell).stdout


def test_completion_knows_commands_folders_and_keys(hello: Fata) -> None:
    def complete(*words: str) -> str:
        line = " ".join(["fata", *words])
        variables = {"_FATA_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
        return hello(variables=variables).stdout

    assert "plain,describe" in complete("desc")
    (hello.folder / "inner").mkdir()
    assert "inner" in complete("run", "in")
    assert "--name" in complete("run", ".", "--na")
    assert "--target" in complete("run", ".", "--ta")


@pytest.mark.slow
def test_pdb_stops_where_the_exception_was_raised(fata: Fata) -> None:
    fata.write(
        app="class App:\n    def __init__(self) -> None: ...\n\n"
        "    async def run(self) -> None:\n        answer = 41\n        raise RuntimeError(answer)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "fata.tool.main", "run", "app:App", "--pdb"],
        cwd=fata.folder,
        input="p answer + 1\nq\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "(Pdb) 42" in done.stdout
    assert done.returncode == 1


@pytest.mark.slow
def test_reload_starts_again_after_a_change(fata: Fata) -> None:
    text = (
        "import asyncio\n\nclass App:\n    def __init__(self) -> None: ...\n\n"
        "    async def run(self) -> None:\n        print('WORD', flush=True)\n        await asyncio.sleep(60)\n"
    )
    fata.write(app=text.replace("WORD", "first"))
    with subprocess.Popen(
        [sys.executable, "-m", "fata.tool.main", "run", "app:App", "--reload"],
        cwd=fata.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "first\n"
            fata.write(app=text.replace("WORD", "second"))
            assert process.stdout.readline() == "second\n"
            fata.write(app="syntax error(")
            fata.write(app=text.replace("WORD", "third"))
            assert process.stdout.readline() == "third\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
        finally:
            process.kill()  # else a test that fails waits for it without end


def test_runs_of_one_application_do_not_disturb_each_other(fata: Fata) -> None:
    fata.write(
        app="from fata.device import Block, Console\n\n\nclass App:\n"
        "    def __init__(self, disk: Block, console: Console, *, word: str = 'none') -> None:\n"
        "        self.disk, self.console, self.word = disk, console, word\n\n"
        "    async def run(self) -> None:\n"
        "        self.console.write(f'{self.disk.sectors} {self.word}\\n')\n",
        config="from fata.config import key, main, match, ramdisk, register\n\n"
        'size = key("size", int, default=8, stage="configure")\n'
        'register("app", main("app:App", disk=match(size, {n: ramdisk(n) for n in range(8, 24)})))\n',
    )
    words = [sys.executable, "-m", "fata.tool.main", "run", "."]
    runs = {
        n: subprocess.Popen(
            [*words, "--size", str(n), "--word", f"w{n}"], cwd=fata.folder, stdout=subprocess.PIPE, text=True
        )
        for n in range(8, 24)
    }
    answers = {n: run.communicate(timeout=60)[0] for n, run in runs.items()}
    assert answers == {n: f"{n} w{n}\n" for n in runs}
    main = (fata.folder / "build" / "unix" / "main.py").exists()
    assert not main, "a run's own keys are no business of the standing configuration"
