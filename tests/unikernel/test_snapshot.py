"""`--snapshot`: a program that was started when it was built, and goes on from there in every machine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.www import make_large_file
from fata.target.image import elf
from fata.target.virtio.cpio import write_cpio
from fata.target.virtio.machine import Machine
from fata.target.virtio.qemu import command as qemu
from tests.certificates import Authority
from tests.http.command import curl
from tests.peers.cable import OURS, PREFIX, tap
from tests.programs import needs, needs_runtime
from tests.unikernel import memory
from tests.unikernel.guest import EXAMPLES, Unikernel, build, command
from tests.unikernel.load import Clients, Outcome

SITE = EXAMPLES / "www" / "htdocs"
PAGE = "/style.css"
CONNECTIONS = 200
REQUESTS = 3000
FORTY_MEGABYTES = "38"  # MiB
NUMBERS = """
import logging, os, random, time, uuid
from fata.device import Console

PLACES = ["imported"]


class Application:
    def __init__(self, console: Console, *, word: str = "none") -> None:
        self.console, self.word = console, word

    async def run(self) -> None:
        PLACES.append("run")
        self.console.write(f"{random.random()} {os.urandom(8).hex()} {uuid.uuid4()}\\n")
        self.console.write(f"{self.word} {PLACES} {time.monotonic() < 60} {sorted(os.environ)}\\n")
        self.console.write(f"{abs(logging._startTime - time.time()) < 60}\\n")
"""
EMPTY = "class Application:\n    async def run(self) -> None: pass\n"
OBSTACLES = {
    "it has started threads": "import _thread, time\n_thread.start_new_thread(time.sleep, (60,))\n",
    "it has opened or written files": "import io\nKEPT = io.FileIO('/app.zip')\n",
    "it has drawn random numbers": "import os\nSECRET = os.urandom(16)\n",
    "it has used devices": "from fata.runtime.hardware import hardware\nPAGES = hardware().dma(1)\n",
    "a signal is on its way": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 60)\n",
    "ZeroDivisionError": "1 / 0\n",
}

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


def application(folder: Path, source: str) -> Path:
    """Write an application and return its folder."""
    (folder / "app.py").write_text(source)
    (folder / "config.py").write_text(
        "from fata.config import main, register\nregister('small', main('app:Application'))\n"
    )
    return folder


def building(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build an image with a snapshot; return what has come of it."""
    words = (sys.executable, "-m", "fata.tool.main", "build", str(folder), "-t", "virtio", "--snapshot")
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def said(folder: Path, *words: str, machine: str = "microvm") -> list[str]:
    """Run an application from its snapshot; return the lines that it has written."""
    line = command(folder, machine, "--snapshot", *words)
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    return done.stdout.splitlines()


def started(image: Path, memory: int, line: str = "", cpu: str = "max", initrd: Path | None = None) -> str:
    """Start an image as it is; return what is on the console."""
    words = qemu(Machine(memory=memory), "tcg", image, line, files=None if initrd is None else str(initrd))
    words[words.index("max")] = cpu
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    ).stdout


@pytest.fixture(scope="module", params=["microvm", "q35"])
def www(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unikernel]:
    make_large_file.main()
    folder = memory.metered("www", tmp_path_factory.mktemp("www"))
    with Unikernel(folder, request.param, "--snapshot", ports=("80", memory.PORT)) as guest:
        yield guest


@needs("curl")
def test_a_site_is_served_octet_for_octet(www: Unikernel) -> None:
    for path in SITE.rglob("*"):
        if path.is_file():
            assert curl(www.url(f"/{path.relative_to(SITE)}")) == path.read_bytes(), path


def test_connections_stay_and_memory_is_flat(www: Unikernel) -> None:
    async def load() -> tuple[Outcome, str]:
        async with Clients(www.port(), PAGE, CONNECTIONS) as clients:
            await clients.ask(1000)
            before = await asyncio.to_thread(memory.read, www)
            outcome = await clients.ask(REQUESTS)
            after = await asyncio.to_thread(memory.read, www)
        return outcome, memory.growth(before, after, REQUESTS)

    assert asyncio.run(load()) == ((CONNECTIONS + 1000 + REQUESTS, 0, 0), "")


@needs("curl")
def test_forty_megabytes_are_enough() -> None:
    async def load(guest: Unikernel) -> Outcome:
        async with Clients(guest.port(), PAGE, CONNECTIONS) as clients:
            return await clients.ask(500)

    make_large_file.main()
    with Unikernel(EXAMPLES / "www", "microvm", "--snapshot", "--memory", FORTY_MEGABYTES, ports=("80",)) as guest:
        assert asyncio.run(load(guest)) == (700, 0, 0)
        assert curl(guest.url("/large.bin")) == make_large_file.content()


@needs("curl")
@needs("openssl")
def test_a_site_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = authority.issue("site.test", "127.0.0.1")
    files = ("--file", f"certificate.pem={made.chain}", "--file", f"key.pem={made.key}")
    trust = ("--cacert", str(authority.certificate), "--tlsv1.3")
    with Unikernel(EXAMPLES / "https", "q35", "--snapshot", *files, ports=("443",)) as guest:
        assert curl(*trust, f"https://127.0.0.1:{guest.port('443')}/index.html") == (SITE / "index.html").read_bytes()


def test_what_has_to_differ_from_start_to_start_does(tmp_path: Path) -> None:
    folder = application(tmp_path, NUMBERS)
    drawn = [said(folder, machine=machine) for machine in ("microvm", "microvm", "q35")]
    assert len({number for lines in drawn for number in lines[0].split()}) == 9
    assert [lines[1:] for lines in drawn] == [["none ['imported', 'run'] True []", "True"]] * 3
    (told,) = {lines[1] for lines in [said(folder, "--word", 'two words, "quoted"')]}
    assert told.startswith('two words, "quoted" [')


def test_seeds_would_be_the_same_otherwise(tmp_path: Path) -> None:
    keeps = NUMBERS + "import fata.runtime.snapshot\nfata.runtime.snapshot._renew = lambda: None\n"
    folder = application(tmp_path, keeps)
    first, second = (said(folder)[0].split() for _ in range(2))
    assert first[0] == second[0]
    assert set(first[1:]).isdisjoint(second[1:]), "the system's own are no seeds"


def test_an_image_that_is_the_same_is_not_started_again(tmp_path: Path) -> None:
    folder = application(tmp_path, EMPTY)
    made = build(folder, "--snapshot").read_bytes()
    again = building(folder)
    assert "starting the program" not in again.stderr
    assert (folder / "build" / "virtio" / "small.elf").read_bytes() == made
    plain = build(folder).read_bytes()
    assert len(plain) < len(made)
    assert elf.read(plain).zip == elf.read(made).zip


@pytest.mark.parametrize("why", OBSTACLES)
def test_a_program_that_cannot_be_kept_is_told_why(why: str, tmp_path: Path) -> None:
    done = building(application(tmp_path, OBSTACLES[why] + EMPTY))
    assert done.returncode == 2, done
    assert "there is no snapshot of the program" in done.stderr
    assert why in done.stderr


def test_a_machine_for_which_it_was_not_taken_says_so(tmp_path: Path) -> None:
    image = build(application(tmp_path, "BIG = [bytes(1000) for _ in range(20_000)]\n" + EMPTY), "--snapshot")
    need = elf.read(image.read_bytes()).floor >> 10
    assert started(image, need) == "", "it has run and says nothing"
    assert f"have {need - 2} MiB, need {need} MiB" in started(image, need - 2)
    assert "was taken on a processor that has more" in started(image, need, "fata.entropy=insecure", cpu="qemu64")
    assert "there are fata.entropy=insecure, and fata.snapshot" in started(image, need, "fata.snapshot")
    long = tmp_path / "long"
    long.write_bytes(write_cpio({"long": bytes(1 << 20)}))
    assert "put a file over the snapshot" in started(image, need, initrd=long)
    assert started(image, need + 4, initrd=long) == ""


@pytest.mark.root
@pytest.mark.peer
@needs("curl")
def test_it_is_a_process_all_the_same() -> None:
    image = build(EXAMPLES / "www", "--snapshot")
    with tap() as cable:
        with cable.near.entered():
            variables = {"FATA_TAP": cable.interface}
            words = [str(image), "--ipv4", f"{OURS}/{PREFIX}"]
            process = subprocess.Popen(words, env=variables, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            assert "listening on" in process.stderr.readline()
            assert cable.run("curl", "-sS", f"http://{OURS}/index.html") == (SITE / "index.html").read_bytes()
        finally:
            process.kill()
            process.communicate()
