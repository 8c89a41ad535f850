"""What a site answers: names, types, validators, ranges, directories."""

from __future__ import annotations

import pytest

from fata.device import KvRo
from fata.driver.kv.memory import MemoryKv
from fata.errors import DeviceError
from fata.http.contract import Site
from fata.http.files import Files
from tests.http.loopback import filled
from tests.http.wires import Answer, answer_of, connect, run, server, settle

DIGITS = b"0123456789"
VALUES = {
    "index.html": b"<h1>home</h1>",
    "digits.txt": DIGITS,
    "empty.css": b"",
    "about/index.html": b"about",
    "bare/file": b"octets",
    "with space/ä.html": "ä".encode(),
    "hidden/.well-known": b"yes",
}
MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT


class Fixed:
    """A wall clock that stands."""

    def wall(self) -> float:
        return MODIFIED + 0.25


async def a_site() -> MemoryKv:
    store = MemoryKv(clock=Fixed())
    for key, value in VALUES.items():
        await store.set(key, value)
    return store


def ask(path: str, *lines: str, method: str = "GET", site: Site | None = None) -> Answer:
    """Ask a site for one thing."""

    async def scenario() -> bytes:
        connection, wire = connect(server(Files(site or await a_site())))
        connection.data_received("\r\n".join((f"{method} {path} HTTP/1.1", "Host: a", *lines, "", "")).encode("ascii"))
        await settle()
        octets = bytes(wire.written)
        wire.close()
        await settle()
        return octets

    return answer_of(run(scenario()))


def etag_of(path: str) -> str:
    return ask(path).fields["etag"]


def test_a_store_of_the_contract_is_a_site() -> None:
    def accepts(store: KvRo) -> Site:
        return store

    assert accepts is not None


def test_value_is_answered_with_type_length_and_validators() -> None:
    answer = ask("/digits.txt")
    assert answer.status == 200
    assert answer.body == DIGITS
    assert answer.fields["content-type"] == "text/plain; charset=utf-8"
    assert answer.fields["content-length"] == "10"
    assert answer.fields["last-modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert answer.fields["accept-ranges"] == "bytes"
    assert answer.fields["etag"].startswith('"')
    assert "connection" not in answer.fields


def test_entity_tag_is_strong_and_names_the_content() -> None:
    assert etag_of("/digits.txt") == etag_of("/digits.txt")
    assert etag_of("/digits.txt") != etag_of("/index.html")


def test_head_is_get_without_body() -> None:
    get, head = ask("/digits.txt"), ask("/digits.txt", method="HEAD")
    assert head.fields == get.fields
    assert head.status == 200
    assert head.body == b""


def test_empty_value() -> None:
    answer = ask("/empty.css")
    assert (answer.status, answer.body, answer.fields["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", VALUES["index.html"]),
        ("/?query", VALUES["index.html"]),
        ("http://host:80/", VALUES["index.html"]),
        ("HTTP://host", VALUES["index.html"]),
        ("http://host?query", VALUES["index.html"]),
        ("/about/", b"about"),
        ("/about/?a=/", b"about"),
        ("//about//", b"about"),
        ("/./about/./", b"about"),
        ("/bare/../about/", b"about"),
        ("/bare/%2e%2E/about/", b"about"),
        ("/about/index.html", b"about"),
        ("/%61bout/", b"about"),
        ("/with%20space/%C3%A4.html", "ä".encode()),
        ("/hidden/.well-known", b"yes"),
        ("/bare/file", b"octets"),
    ],
)
def test_path_names_a_value(path: str, body: bytes) -> None:
    assert ask(path)[::2] == (200, body)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/index.html/",
        "/index.html/more",
        "/digits.txt/..%2f",
        "/bare/",  # a dictionary without index.html
        "/..",
        "/../index.html",
        "/about/../../index.html",
        "/%2e%2e/index.html",
        "/about%2findex.html",
        "/index.html%00",
        "/%ff",
        "/%C3",
        "/INDEX.HTML",
        "/digits.txt%20",
    ],
)
def test_path_names_nothing(path: str) -> None:
    answer = ask(path)
    assert (answer.status, answer.body) == (404, b"404 Not Found\n")
    assert answer.fields["content-length"] == str(len(answer.body))


def test_page_for_what_is_not_found_is_the_sites_own() -> None:
    async def with_page() -> MemoryKv:
        return await filled({"404.html": b"lost?", "index.html": b""})

    site = run(with_page())
    answer = ask("/nowhere", site=site)
    assert (answer.status, answer.body) == (404, b"lost?")
    assert answer.fields["content-type"] == "text/html; charset=utf-8"
    assert ask("/nowhere", method="HEAD", site=site)[::2] == (404, b"")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/about", "/about/"),
        ("/about?a=b", "/about/?a=b"),
        ("//about", "/about/"),  # "//about/" would name a host
        ("/%5C/../with%20space", "/with%20space/"),
    ],
)
def test_dictionary_is_redirected_to_its_slash(path: str, location: str) -> None:
    answer = ask(path)
    assert (answer.status, answer.fields["location"]) == (301, location)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "BREW"])
def test_other_methods_are_not_allowed(method: str) -> None:
    answer = ask("/", method=method)
    assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD")


def test_options_for_the_server_is_not_allowed_either() -> None:
    assert ask("*", method="OPTIONS").status == 405


@pytest.mark.parametrize(
    ("value", "status", "body", "content_range"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, DIGITS, "bytes 0-9/10"),
        ("bytes=5-99999999999999999999", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=99999999999999999999-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=0-1,4-5", 200, DIGITS, None),
        ("bytes=4-2", 200, DIGITS, None),
        ("bytes=-", 200, DIGITS, None),
        ("bytes=a-b", 200, DIGITS, None),
        ("octets=0-1", 200, DIGITS, None),
        ("bytes=" + "1" * 6000 + "-", 416, None, "bytes */10"),
    ],
)
def test_range(value: str, status: int, body: bytes | None, content_range: str | None) -> None:
    answer = ask("/digits.txt", f"Range: {value}")
    assert answer.status == status
    assert body is None or answer.body == body
    assert answer.fields.get("content-range") == content_range
    assert answer.fields["content-length"] == str(len(answer.body))


def test_range_is_for_get_only() -> None:
    assert ask("/digits.txt", "Range: bytes=0-1", method="HEAD").status == 200


def test_range_of_an_empty_value_cannot_be_satisfied() -> None:
    assert ask("/empty.css", "Range: bytes=0-").status == 416
    assert ask("/empty.css", "Range: bytes=-1").status == 416


def test_range_holds_only_for_the_content_that_if_range_names() -> None:
    tag = etag_of("/digits.txt")
    for value, status in (
        (tag, 206),
        ("W/" + tag, 200),
        ('"other"', 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 206),
        ("Sun, 06 Nov 1994 08:49:38 GMT", 200),
        ("nonsense", 200),
    ):
        assert ask("/digits.txt", "Range: bytes=0-1", f"If-Range: {value}").status == status, value


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("If-None-Match: ETAG", 304),
        ("If-None-Match: W/ETAG", 304),
        ('If-None-Match: "a,b", ETAG', 304),
        ("If-None-Match: *", 304),
        ('If-None-Match: "other"', 200),
        ("If-None-Match: garbage", 200),
        ("If-Match: ETAG", 200),
        ("If-Match: *", 200),
        ("If-Match: W/ETAG", 412),
        ('If-Match: "other"', 412),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304),
        ("If-Modified-Since: Sun Nov  6 08:49:37 1994", 304),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("If-Modified-Since: yesterday", 200),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 412),
    ],
)
def test_condition(line: str, status: int) -> None:
    tag = etag_of("/digits.txt")
    answer = ask("/digits.txt", line.replace("ETAG", tag))
    assert answer.status == status
    assert (answer.fields["etag"]) == tag
    if status == 304:
        assert answer.body == b""
        assert "content-length" not in answer.fields


def test_entity_tags_go_before_dates() -> None:
    old = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"
    assert ask("/digits.txt", old, 'If-None-Match: "other"').status == 200


def test_date_is_told_when_there_is_a_clock_that_knows_it() -> None:
    async def scenario(now: float | None) -> bytes:
        connection, wire = connect(server(Files(await a_site()), wall=lambda: now))
        connection.data_received(b"GET /digits.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.connection_lost(None)
        return bytes(wire.written)

    assert answer_of(run(scenario(MODIFIED + 0.9))).fields["date"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert "date" not in answer_of(run(scenario(None))).fields


class Broken(MemoryKv):
    """A store whose medium fails when contents are read."""

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        raise DeviceError("the disk is on fire")


def test_failing_store_is_an_internal_error_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Broken:
        store = Broken()
        await store.set("a", b"1")
        return store

    answer = ask("/a", site=run(broken()))
    assert answer.status == 500
    assert b"fire" not in answer.body
    assert "the disk is on fire" in caplog.text
