"""Answering with the values of a store: a web site."""

from __future__ import annotations

import asyncio
import logging

from fata.errors import DeviceError
from fata.http.conditions import part_will_do, precondition
from fata.http.content_types import content_type
from fata.http.contract import Site
from fata.http.dates import http_date
from fata.http.eager import run_until_it_waits
from fata.http.exchange import Exchange
from fata.http.paths import key_of, percent_encoded
from fata.http.ranges import select

LOG = logging.getLogger("http")

INDEX = "index.html"
NOT_FOUND = "404.html"  # in the root; optional
PIECE = 64 * 1024  # octets of a value that are held at a time


class Files:
    """Answers GET and HEAD from a site. A value's name is its path; a dictionary's page is its index.html."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def start(self, exchange: Exchange) -> asyncio.Task[None] | None:
        """Answer at once if the site and the client let us; in a task from the first wait on."""
        return run_until_it_waits(self._answer(exchange))

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method not in ("GET", "HEAD"):
            exchange.answer_page(405, b"allow: GET, HEAD\r\n")
            return
        named = key_of(request.path)
        if named is None:
            await self._not_found(exchange)
            return
        key, wants_dictionary = named
        try:
            await self._find(exchange, key, wants_dictionary)
        except DeviceError as error:
            LOG.error("%r: %s", key, error)
            if exchange.status:
                exchange.channel.abort()
            else:
                exchange.answer_page(500)

    async def _find(self, exchange: Exchange, key: str, wants_dictionary: bool) -> None:
        kind = await self._site.exists(key)
        if kind is not None and kind.value == "dictionary":
            if not wants_dictionary:
                query = b"?" + exchange.request.query if exchange.request.query else b""
                exchange.answer_page(301, b"location: /%b/%b\r\n" % (percent_encoded(key), query))
                return
            key = f"{key}/{INDEX}" if key else INDEX
            kind = await self._site.exists(key)
        elif wants_dictionary:
            kind = None
        if kind is None or kind.value != "value":
            await self._not_found(exchange)
        else:
            await self._send(exchange, key)

    async def _send(self, exchange: Exchange, key: str) -> None:
        site, request = self._site, exchange.request
        etag = b'"%b"' % (await site.digest(key)).hex().encode("ascii")
        modified = await site.last_modified(key)
        validators = b"etag: %b\r\naccept-ranges: bytes\r\n" % etag
        if modified is not None:
            validators += b"last-modified: %b\r\n" % http_date(modified)
        status = precondition(request.fields, etag, modified)
        if status == 304:
            exchange.answer(304, validators, b"")
            return
        if status == 412:
            exchange.answer_page(412, validators)
            return
        size = await site.size(key)
        selected = None
        if b"range" in request.fields and request.method == "GET" and part_will_do(request.fields, etag, modified):
            selected = select(request.fields[b"range"], size)
        if selected is None:
            await self._send_octets(exchange, key, range(size), 200, validators)
        elif not selected:
            exchange.answer_page(416, b"content-range: bytes */%d\r\n" % size)
        else:
            validators += b"content-range: bytes %d-%d/%d\r\n" % (selected[0], selected[-1], size)
            await self._send_octets(exchange, key, selected, 206, validators)

    async def _send_octets(self, exchange: Exchange, key: str, octets: range, status: int, lines: bytes) -> None:
        length = len(octets)
        lines = b"content-type: %b\r\ncontent-length: %d\r\n%b" % (content_type(key), length, lines)
        if exchange.request.method == "HEAD" or not length:
            exchange.answer(status, lines, b"")
            return
        offset = octets.start
        while offset < octets.stop:
            size = exchange.room(min(PIECE, octets.stop - offset))
            piece = await self._site.get_partial(key, offset, size)
            if len(piece) != size:
                raise DeviceError(f"{key!r} became shorter while it was sent: {len(piece)} octets at {offset}")
            if not exchange.status:
                exchange.start(status, lines, length)
            offset += size
            exchange.send(piece, more=offset < octets.stop)
            del piece  # the transport lets go of it as the client takes it
            if offset < octets.stop:
                await exchange.drained(size)

    async def _not_found(self, exchange: Exchange) -> None:
        kind = await self._site.exists(NOT_FOUND)
        if kind is None or kind.value != "value":
            exchange.answer_page(404)
        else:
            await self._send_octets(exchange, NOT_FOUND, range(await self._site.size(NOT_FOUND)), 404, b"")
