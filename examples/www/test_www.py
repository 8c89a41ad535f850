"""`fata run examples/www`, and what curl and wrk get from it."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from examples.www import make_large_file, make_picture
from tests.http.command import Running, curl

FOLDER = Path(__file__).parent
SITE = FOLDER / "htdocs"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")


@pytest.fixture(scope="module")
def www() -> Iterator[Running]:
    make_large_file.main()
    with Running(FOLDER) as running:
        yield running


def test_large_file_is_made_once() -> None:
    make_large_file.main()
    made = make_large_file.TARGET.stat()
    make_large_file.main()
    assert make_large_file.TARGET.stat() == made
    assert made.st_size == make_large_file.SIZE


@pytest.mark.slow
def test_picture_is_what_its_script_draws() -> None:
    assert make_picture.TARGET.read_bytes() == make_picture.png()


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def test_every_link_of_every_page_leads_somewhere() -> None:
    make_large_file.main()
    for page in SITE.rglob("*.html"):
        links = Links()
        links.feed(page.read_text(encoding="utf-8"))
        for link in links.found:
            target = SITE / urllib.parse.urlsplit(link).path.lstrip("/")
            assert link == "/nowhere" or target.is_file() or (target / "index.html").is_file(), f"{page.name}: {link}"


def blocks(page: str) -> list[str]:
    """Return what a page shows as code."""
    found = re.findall(r"<pre><code>(.*?)</code></pre>", (SITE / page).read_text(encoding="utf-8"), re.DOTALL)
    return [html.unescape(block) for block in found]


def test_application_on_the_front_page_is_the_application() -> None:
    (shown,) = blocks("index.html")
    lines = iter((FOLDER / "app.py").read_text(encoding="utf-8").splitlines())
    assert all(line in lines for line in shown.splitlines()), "the page shows app.py, and may leave lines out"


@pytest.mark.peer
@needs_curl
@needs_wrk
@pytest.mark.skipif(shutil.which("xxd") is None, reason="needs xxd")
def test_what_the_site_invites_to_try_does_what_it_says(www: Running, tmp_path: Path) -> None:
    commands = "\n".join(blocks("try.html")).replace("localhost:8080", f"127.0.0.1:{www.port}").replace("-d5", "-d1")
    said = subprocess.run(["bash", "-c", commands], cwd=tmp_path, capture_output=True, timeout=30, check=True)
    words = ("00000000: ", " 5000000 ", "304 Not Modified", "404 Not Found", "400 Bad Request", "requests in 1.")
    output = said.stdout.decode()
    assert [word for word in words if word not in output] == []
    assert output.count("\n400 Bad Request\n") == 2


@pytest.mark.peer
@needs_curl
@pytest.mark.parametrize("kind", ["fat", "tar", "dir"])
def test_the_same_site_comes_from_every_kind_of_store(kind: str, tmp_path: Path) -> None:
    make_large_file.main()
    with Running(FOLDER, "--site-kv", kind) as running:
        for path in SITE.rglob("*"):
            if path.is_file():
                assert curl(f"{running.url}/{path.relative_to(SITE)}") == path.read_bytes(), path
        whole = make_large_file.content()
        assert curl("-r", "1000000-1000015", f"{running.url}/large.bin") == whole[1_000_000:1_000_016]
        tag = str(tmp_path / "etag")
        curl("-o", "/dev/null", "--etag-save", tag, f"{running.url}/style.css")
        again = ("-o", "/dev/null", "-w", "%{http_code}", "--etag-compare", tag)
        assert curl(*again, f"{running.url}/style.css") == b"304"
        assert curl(f"{running.url}/nowhere") == (SITE / "404.html").read_bytes()
    assert "Traceback" not in running.output


@pytest.mark.peer
@needs_curl
def test_every_file_arrives_octet_for_octet(www: Running) -> None:
    files = [path for path in SITE.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        assert curl(f"{www.url}/{path.relative_to(SITE)}") == path.read_bytes(), path
    assert curl(f"{www.url}/") == (SITE / "index.html").read_bytes()
    assert curl("-L", f"{www.url}/targets") == (SITE / "targets" / "index.html").read_bytes()


@pytest.mark.peer
@needs_curl
def test_types_are_what_a_browser_needs(www: Running) -> None:
    for name, kind in (("index.html", "text/html; charset=utf-8"), ("style.css", "text/css; charset=utf-8")):
        assert curl("-o", "/dev/null", "-w", "%{content_type}", f"{www.url}/{name}").decode() == kind
    assert curl("-o", "/dev/null", "-w", "%{content_type}", f"{www.url}/logo.svg") == b"image/svg+xml"


@pytest.mark.peer
@needs_curl
def test_parts_and_continued_downloads(www: Running, tmp_path: Path) -> None:
    whole = make_large_file.content()
    assert curl("-r", "1000000-1000015", f"{www.url}/large.bin") == whole[1_000_000:1_000_016]
    assert curl("-r", "-5", f"{www.url}/large.bin") == whole[-5:]
    begun = tmp_path / "large.bin"
    begun.write_bytes(whole[:3_333_333])
    curl("-C", "-", "-o", str(begun), f"{www.url}/large.bin")
    assert begun.read_bytes() == whole


@pytest.mark.peer
@needs_curl
def test_whoever_has_the_content_gets_304(www: Running, tmp_path: Path) -> None:
    tag = tmp_path / "etag"
    curl("-o", "/dev/null", "--etag-save", str(tag), f"{www.url}/style.css")
    status = curl("-o", "/dev/null", "-w", "%{http_code}", "--etag-compare", str(tag), f"{www.url}/style.css")
    assert status == b"304"


@pytest.mark.peer
@needs_curl
def test_what_is_not_there_is_told_with_the_sites_page(www: Running) -> None:
    assert curl(f"{www.url}/nowhere") == (SITE / "404.html").read_bytes()
    assert curl("-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", f"{www.url}/../app.py") == b"404"
    smuggled = ("-H", "Content-Length: 5", "-H", "Transfer-Encoding: chunked", "-d", "hello")
    assert curl("-o", "/dev/null", "-w", "%{http_code}", *smuggled, f"{www.url}/") == b"400"


@pytest.mark.peer
@needs_wrk
@pytest.mark.parametrize("path", ["/", "/large.bin"])
def test_sixty_four_clients_at_once_are_served_without_an_error(www: Running, path: str) -> None:
    words = ["wrk", "-t1", "-c64", "-d2s", f"{www.url}{path}"]
    said = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "Non-2xx" not in said
    assert "Socket errors" not in said
    requests = re.search(r"(\d+) requests in", said)
    assert requests is not None
    assert int(requests[1]) > 64


@pytest.mark.peer
@needs_curl
def test_interrupt_ends_it_in_good_order(tmp_path: Path) -> None:
    with Running(FOLDER) as running:
        assert curl("-o", "/dev/null", "-w", "%{http_code}", f"{running.url}/") == b"200"
        assert running.interrupt() == 130
    assert "Traceback" not in running.output
    assert "rror" not in running.output
