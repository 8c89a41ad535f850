"""`fata run examples/wiki` beside real git: pages come from a repository, and changes go back there."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import pytest

from tests.irmin.sync.servers import bare, daemon, git

pytestmark = pytest.mark.peer


class Running:
    """A wiki, the repository behind it, and a working tree of somebody who uses git."""

    def __init__(self, url: str, work: Path) -> None:
        self.url = url
        self.work = work

    def get(self, path: str) -> str:
        """Return a page, also one that tells of an error."""
        try:
            with urlopen(f"{self.url}/{quote(path, safe='/?=')}", timeout=10) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            return f"{error.code} {error.read().decode()}"

    def base(self, path: str) -> str:
        """Return the commit that an edit of a page starts from."""
        match = re.search(r'name="base" value="([0-9a-f]*)"', self.get(f"{path}?edit"))
        assert match is not None
        return match[1]

    def save(self, path: str, text: str, base: str) -> str:
        """Send what a browser would, and return the page that it leads to."""
        try:
            with urlopen(
                f"{self.url}/{quote(path, safe='/?=')}", urlencode({"text": text, "base": base}).encode(), 10
            ) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            return f"{error.code} {error.read().decode()}"

    def write(self, name: str, text: str) -> None:
        """Change a page with git."""
        git(self.work, "pull", "--quiet", "--ff-only")
        (self.work / name).write_text(text)
        git(self.work, "add", ".")
        git(self.work, "commit", "--quiet", "--message", f"write {name}")
        git(self.work, "push", "--quiet")

    def wait_for(self, path: str, text: str) -> None:
        """Wait until a page shows a text: the wiki pulls now and then."""
        deadline = monotonic() + 20
        while text not in self.get(path):
            assert monotonic() < deadline, self.get(path)
            sleep(0.1)  # another process pulls by its own clock


@pytest.fixture
def wiki(tmp_path: Path) -> Iterator[Running]:
    path = bare(tmp_path / "served" / "wiki.git")
    git(tmp_path, "clone", "--quiet", str(path), "work")
    work = tmp_path / "work"
    (work / "home").write_text("Hello.\n\nSee [[other page]] & <more>.\n\nBye.\n")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "first")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with daemon(tmp_path / "served") as url:
        words = (
            "run",
            str(Path(__file__).parent),
            "--remote",
            f"{url}/wiki.git",
            "--port",
            str(port),
            "--every",
            "0.3",
        )
        with subprocess.Popen(
            (sys.executable, "-m", "fata.tool.main", *words), stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stderr is not None
                while "listening" not in (line := process.stderr.readline()):
                    assert line, "the wiki has ended"
                yield Running(f"http://127.0.0.1:{port}", work)
            finally:
                process.terminate()
                process.wait(20)


def test_reading_and_writing(wiki: Running) -> None:
    assert '<a href="/home">home</a>' in wiki.get("")
    shown = wiki.get("home")
    assert '<a href="/other%20page">other page</a> &amp; &lt;more&gt;' in shown
    assert wiki.get("nothing").startswith("404 ")
    assert wiki.get("a//b").startswith("400 ")
    assert "A new page." in wiki.save("other page", "A new page.\r\n", wiki.base("other page"))
    git(wiki.work, "pull", "--quiet", "--ff-only")
    assert (wiki.work / "other page").read_text() == "A new page.\n"
    assert git(wiki.work, "log", "-1", "--format=%s") == "edit other page"

    wiki.write("third", "Written with git.\n")
    wiki.wait_for("third", "Written with git.")

    base = wiki.base("home")
    text = (wiki.work / "home").read_text()
    wiki.write("home", text.replace("Hello", "Good day"))
    assert "Good day" in wiki.save("home", text.replace("Bye", "So long"), base), "both changes are there"
    git(wiki.work, "pull", "--quiet", "--ff-only")
    assert (wiki.work / "home").read_text() == text.replace("Hello", "Good day").replace("Bye", "So long")

    assert "So long, all" in wiki.save("home", text.replace("Bye", "So long, all"), wiki.base("home"))
    conflict = wiki.save("home", text.replace("Bye", "Farewell"), base)
    assert conflict.startswith("409 ")
    assert "Farewell" in conflict
    assert "Somebody else" in conflict
    assert wiki.save("home", "x", "no commit").startswith("400 ")
    assert wiki.save("home", "x" * 2_000_000, base).startswith("413 ")
