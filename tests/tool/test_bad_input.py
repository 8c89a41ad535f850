"""Every mistake that a user can make gets one message: file, line, what is wrong, what to do; status 2."""

from __future__ import annotations

import json
import re
import socket

import pytest

from tests.tool.conftest import Fata

pytestmark = pytest.mark.slow  # in all, some seconds

APP = """\
from fata.device import Block, Console, KvRo


class App:
    def __init__(self, console: Console, *, count: int = 1) -> None:
        self.console = console

    async def run(self) -> None:
        self.console.write("ran\\n")


class Site:
    def __init__(self, site: KvRo) -> None:
        self.site = site

    async def run(self) -> None: ...


class Disk:
    def __init__(self, disk: Block, *, port: int) -> None:
        self.disk = disk

    async def run(self) -> None: ...
"""

CONFIG = """\
from fata.config import main, register

register("app", main("app:App"))
"""


@pytest.fixture
def project(fata: Fata) -> Fata:
    fata.write(app=APP, config=CONFIG)
    return fata


def test_a_good_project_is_accepted(project: Fata) -> None:
    done = project("run", ".")
    assert (done.returncode, done.stdout) == (0, "ran\n")


def test_a_configuration_is_read_once(project: Fata) -> None:
    project.write(config=f"print('read')\n{CONFIG}")
    assert project("run", ".").stdout == "read\nran\n"


@pytest.mark.parametrize("command", ["size", "lock"])
def test_what_is_about_images_is_not_for_processes(project: Fata, command: str) -> None:
    message = project.mistake(command, ".", "-t", "unix")
    assert "on unix there is no image" in message
    assert "-t virtio" in message


def test_config_missing(fata: Fata) -> None:
    message = fata.mistake("run", ".")
    assert "there is no config.py" in message
    assert "fata new" in message


def test_folder_missing(fata: Fata) -> None:
    assert "there is no folder" in fata.mistake("run", "nowhere")


@pytest.mark.parametrize("file", ["app.py", "config.py"])
def test_a_file_in_place_of_its_folder(project: Fata, file: str) -> None:
    message = project.mistake("run", file)
    assert f"{file} is a file" in message
    assert "Name its folder, or an application:" in message


def test_a_target_that_does_not_exist_is_blamed_on_who_named_it(project: Fata) -> None:
    message = project.mistake("run", ".", variables={"FATA_TARGET": "moon"})
    assert "FATA_TARGET: unknown target 'moon'" in message
    (project.folder / "pyproject.toml").write_text('[tool.fata]\ntarget = "moon"\n')
    assert "[tool.fata] of pyproject.toml: unknown target 'moon'" in project.mistake("run", ".")


@pytest.mark.parametrize(
    ("config", "line", "reason", "remedy"),
    [
        ("from fata.config import main\nregister(", 2, "syntax error: '(' was never closed", "Mend the syntax"),
        ("from fata.config import crunsh\n", 1, "unknown device 'crunsh'", "Did you mean 'crunch'?"),
        ("from fata.config import nonsense\n", 1, "unknown device 'nonsense'", "fata help devices"),
        ("x = 1\ny = x + undefined\n", 2, "NameError: name 'undefined'", "Mend this line"),
        ('from fata.config import main, register\nregister("a", man("app:App"))', 2, "'man'", "Did you mean 'main'"),
        ("import fata\nx = crunch('site')\n", 2, "'crunch'", "Import it: from fata.config import crunch"),
        ("x = 1\n", 1, "nothing is registered", 'register("name"'),
        ('from fata.config import main, register\n\nregister("app")\n', 3, "has no job", "main("),
        (CONFIG.replace('"app", ', ""), 3, "is no name", 'register("name", '),
        (CONFIG + CONFIG, 6, "register() was called before, on line 3", "one register()"),
        (CONFIG.replace("app:App", "app:Appp"), 3, "module 'app' has no 'Appp'", "Did you mean app:App?"),
        (CONFIG.replace("app:App", "gone:App"), 3, "there is no module 'gone'", "beside config.py"),
        (CONFIG.replace("app:App", "app"), 3, "'app' names no application", "module:Class"),
        (CONFIG.replace('"app:App"', '"app:App", consul=1'), 3, "no parameter 'consul'", "Did you mean 'console'?"),
        (CONFIG.replace('"app:App"', '"app:App", count="x"'), 3, "not an integer", "app.py:5"),
        (CONFIG.replace('"app:App"', '"app:App", console=3'), 3, "parameter 'console' is a device", "help devices"),
        (
            'from fata.config import main, ramdisk, register\n\nregister("app", main("app:App", count=ramdisk()))\n',
            3,
            "app:App(count=…): a device, not an integer",
            "Pass a value or a key",
        ),
        (
            'from fata.config import main, ramdisk, register\n\nregister("app", main("app:Site", site=ramdisk()))\n',
            3,
            "app:Site(site=…) needs a KvRo",
            "Wire a KvRo",
        ),
        (
            'from fata.config import key, main, register\n\nk = key("memory", int, default=1)\n',
            3,
            "the name is reserved",
            "Choose another name",
        ),
        (
            'from fata.config import main, ramdisk, register\n\nregister("app", main("app:Site", site=ramdisk))\n',
            3,
            "is none",
            "Call it: ramdisk(…)",
        ),
        (
            "from fata.config import key, main, register\n"
            'a = key("size", int, default=1)\nb = key("size", str, default="x")\n'
            "from fata.config import ramdisk, if_\n"
            'register("app", main("app:App", console=None))\n',
            5,
            "is a device, and None is none",
            "Pass a device",
        ),
        (
            'from fata.config import main, register, crunch\nregister("app", main("app:Site", site=crunch("gone")))\n',
            2,
            "there is no ",
            "relative to config.py",
        ),
        (
            'from fata.config import *\nregister("a", main("app:Site", site=directory("no")))\n',
            2,
            "which directory needs",
            "Make it",
        ),
        (
            'from fata.config import main, register\nregister("a", main("app:App"), main("app:App"))\n',
            None,
            "two keys are named 'count': of job 1, app:App, and of job 2, app:App",
            'main("app:Class", "name"',
        ),
    ],
)
def test_mistakes_in_config_are_told_at_their_line(
    project: Fata, config: str, line: int | None, reason: str, remedy: str
) -> None:
    project.write(config=config)
    message = project.mistake("run", ".")
    if line is not None:
        assert re.search(rf"config\.py:{line}: ", message), message
    assert reason in message
    assert remedy in message


@pytest.mark.parametrize(
    ("words", "reason", "remedy"),
    [
        (["--count", "many"], "app.py:5: --count: 'many' is not an integer", ""),
        (["--cuont", "1"], "there is no key --cuont", "Did you mean --count?"),
        (["--interface", "t0"], "nothing in this program reads --interface", "The program's keys: --count."),
        (["--count"], "--count needs a value", "an integer"),
        (["stray"], "unexpected argument 'stray'", "--name value"),
        (["-x"], "unexpected argument '-x'", "--name value"),
        (["-t", "moon"], "unknown target 'moon'", "There is unix"),
        (["-t", "xen"], "target 'xen' is planned", "There is unix"),
    ],
)
def test_mistakes_on_the_command_line(project: Fata, words: list[str], reason: str, remedy: str) -> None:
    message = project.mistake("run", ".", *words)
    assert reason in message
    assert remedy in message


@pytest.mark.parametrize(
    ("words", "option", "remedy"),
    [
        (["--interface", "t0"], "interface", "Choose it by `--net direct`."),
        (["--stats"], "stats", "Choose it by `--net direct`."),
        (["-t", "virtio", "--interface", "t0"], "interface", "See `fata describe` for what is."),
    ],
)
def test_an_option_of_a_device_that_is_not_chosen(project: Fata, words: list[str], option: str, remedy: str) -> None:
    project.write(app=APP.replace("KvRo", "Stack"))
    project.write(
        config="from fata.config import generic_stack, main, register\n"
        'register("app", main("app:Site", site=generic_stack()))\n'
    )
    message = project.mistake("run", ".", *words)
    assert f"--{option} belongs to a device that is not chosen" in message
    assert remedy in message


def test_a_place_that_cannot_be_written_to(project: Fata) -> None:
    (project.folder / "build").write_text("a file is in the way, also for root")
    message = project.mistake("run", ".")
    assert "cannot be written" in message
    assert "beside the application" in message


def test_missing_required_key(project: Fata) -> None:
    project.write(
        config='from fata.config import main, ramdisk, register\nregister("d", main("app:Disk", disk=ramdisk()))\n'
    )
    message = project.mistake("run", ".")
    assert "app.py:20: a value is needed for --port (INTEGER)" in message
    assert "--port=…" in message
    for command in ("configure", "check", "describe"):
        assert project(command, ".").returncode == 0, "it may still be given at boot"


def test_missing_required_device_names_its_option(project: Fata) -> None:
    message = project.mistake("run", "app:Site")
    assert "app.py:13: a value is needed for --site (TEXT): path for the KvRo 'site'" in message


def test_a_folder_given_for_a_store_that_is_not_there(project: Fata) -> None:
    message = project.mistake("run", "app:Site", "--site", "gone")
    assert "there is no gone" in message or "there is no /" in message


@pytest.mark.parametrize(
    ("app", "place", "reason"),
    [
        ("class App(\n", "app.py:1", "app cannot be read"),
        ("import surely_not_there\n" + APP, "app.py:1", "imports 'surely_not_there', which is not there"),
        (APP.replace("count: int", "count: dict[str, int]"), "app.py:5", "is no type for a key"),
        (APP.replace("console: Console", "console: 3 + 4"), "app.py:5", "is no device"),
        (APP.replace("console: Console", "console"), "app.py:5", "has no annotation"),
        (APP.replace("count: int = 1", "target: int = 1"), "app.py:5", "the name is reserved"),
        (
            APP.replace("async def run(self) -> None:\n        self", "def run(self) -> None:\n        self"),
            "app.py:8",
            "run is not a coroutine",
        ),
    ],
)
def test_mistakes_in_the_application(project: Fata, app: str, place: str, reason: str) -> None:
    project.write(app=app)
    message = project.mistake("run", ".")
    assert place in message
    assert reason in message


def test_a_lock_of_another_target_and_version(project: Fata) -> None:
    assert project("configure", ".").returncode == 0
    lock = project.folder / "fata.lock"
    text = lock.read_text()
    lock.write_text(text.replace('target = "unix"', 'target = "virtio"'))
    message = project.mistake("run", ".", "-t", "unix")
    assert "fata.lock: configured for target 'virtio', and 'unix' is asked for" in message
    lock.write_text(text.replace("version = 1", "version = 0"))
    assert "is of version 0" in project.mistake("run", ".")
    lock.write_text("= nonsense")
    assert "fata.lock: cannot be read" in project.mistake("describe", ".")


@pytest.mark.parametrize("text", ["= nonsense", "version = 0\n"])
def test_configure_is_the_remedy_for_a_lock_that_cannot_be_read(project: Fata, text: str) -> None:
    (project.folder / "fata.lock").write_text(text)
    assert "Run `fata configure` again" in project.mistake("run", ".")
    assert project("configure", ".").returncode == 0
    assert project("run", ".").returncode == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config": CONFIG.replace("app:App", "app:Appp")}, ()),
        ({"config": CONFIG.replace('"app:App"', '"app:App", count="x"')}, ()),
        ({"config": CONFIG + "undefined\n"}, ()),
        ({"app": APP.replace("count: int = 1", "count: int = 'x'")}, ()),
        ({"app": "import absent\n" + APP}, ()),
        ({}, ("--count", "x")),
        ({}, ("-t", "moon")),
    ],
)
def test_a_mistake_after_a_success_is_told_as_if_it_were_the_first(
    project: Fata, files: dict[str, str], words: tuple[str, ...]
) -> None:
    before = {name: (project.folder / f"{name}.py").read_text() for name in files}
    project.write(**files)
    first = project.mistake("configure", ".", *words)
    project.write(**before)
    assert project("configure", ".").returncode == 0
    project.write(**files)
    assert project.mistake("configure", ".", *words) == first


def test_a_name_in_pyproject_that_is_no_key(project: Fata) -> None:
    pyproject = project.folder / "pyproject.toml"
    pyproject.write_text("[tool.fata.keys]\ncuont = 3\n")
    message = project.mistake("configure", ".")
    assert "pyproject.toml:2: [tool.fata.keys]: there is no key 'cuont'" in message
    assert "Did you mean 'count'?" in message
    pyproject.write_text("[tool.fata.keys]\ncount = 3\n")
    assert project("configure", ".").returncode == 0


def test_a_name_in_pyproject_may_be_a_key_of_another_target(project: Fata) -> None:
    """The file is the same for all of them; only what no target knows is a mistake."""
    site = project.folder / "site"
    (site / "acme-1.dist-info").mkdir(parents=True)
    (site / "acme-1.dist-info" / "entry_points.txt").write_text("[fata.devices]\nled = acme:OFFER\n")
    (site / "acme.py").write_text(
        "from fata.config import Entry, Offer, device, key\n\n\nclass Led: ...\n\n\n"
        'ENTRY = Entry("led", Led, {"virtio": "acme:Led"}, "A lamp.")\n'
        'OFFER = Offer(device, ENTRY, default=lambda: device(ENTRY, pin=key("pin", int, default=1)))\n'
    )
    project.write(
        app="from acme import Led\n\n\nclass App:\n    def __init__(self, led: Led | None) -> None: ...\n\n"
        "    async def run(self) -> None: ...\n"
    )
    pyproject, variables = project.folder / "pyproject.toml", {"PYTHONPATH": str(site)}
    pyproject.write_text("[tool.fata.keys]\npin = 3\n")
    for target in ("unix", "virtio"):
        done = project("configure", ".", "-t", target, variables=variables)
        assert done.returncode == 0, done.stderr
    pyproject.write_text("[tool.fata.keys]\npni = 3\n")
    for target in ("unix", "virtio"):
        assert "Did you mean 'pin'?" in project.mistake("configure", ".", "-t", target, variables=variables)


def test_a_lock_refuses_another_key_when_building_but_not_when_booting(project: Fata) -> None:
    assert project("configure", ".", "--count", "2").returncode == 0
    message = project.mistake("build", ".", "--count", "3")
    assert "configured with --count=2, and --count=3 is asked for" in message
    assert project("run", ".", "--count", "3").returncode == 0


def test_a_port_in_use(project: Fata) -> None:
    project.write(
        web="""\
from fata.device import KvRo, Stack
from fata.http import serve_files


class Web:
    def __init__(self, site: KvRo, stack: Stack, *, port: int) -> None:
        self.site, self.stack, self.port = site, stack, port

    async def run(self) -> None:
        await serve_files(self.site, self.stack, port=self.port)
"""
    )
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        done = project("run", "web:Web", "--site", ".", "--port", str(port))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"web\.py:10: .*port " + str(port), done.stderr), done.stderr


def test_errors_as_json(project: Fata) -> None:
    done = project("configure", ".", "--count", "x", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["line"] == 5
    assert error["file"].endswith("app.py")
    assert "not an integer" in error["reason"]


def test_unknown_command_and_topic(fata: Fata) -> None:
    assert "Did you mean `fata build`?" in fata.mistake("biuld")
    assert "Did you mean 'devices'?" in fata.mistake("help", "device")
