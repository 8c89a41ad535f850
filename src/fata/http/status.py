"""Status lines, and the small answers that the server makes up by itself."""

from __future__ import annotations

from http import HTTPStatus

LINES: dict[int, bytes] = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode("ascii")) for status in HTTPStatus
}


def status_line(status: int) -> bytes:
    """Return the first line of an answer (RFC 9112, 4), for any status of three digits."""
    return LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def page(status: int) -> bytes:
    """Return the body of an answer that only has to say its status: plain text, nothing of the request in it."""
    return LINES[status][len(b"HTTP/1.1 ") :].replace(b"\r", b"")


def page_lines(status: int) -> bytes:
    """Return the header lines that go with `page`."""
    return b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(page(status))


def refusal(status: int) -> bytes:
    """Return a whole answer after which the connection is closed, for what could not be read as a request."""
    return b"".join((status_line(status), page_lines(status), b"connection: close\r\n\r\n", page(status)))
