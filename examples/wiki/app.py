"""A wiki whose pages are the files of a git repository: it pulls them, serves them, and pushes what readers change."""

import asyncio
import re
from html import escape
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from fata.device import Console, Stack
from fata.http import serve_asgi
from fata.irmin import LINES, MemoryBackend, Repo
from fata.irmin.errors import Conflict, InvalidPath, IrminError, PushRejected, RemoteError
from fata.irmin.sync import clone, pull, push, remote

LARGEST = 1 << 20  # octets of a page
LINK = re.compile(r"\[\[([^\[\]|]+)\]\]")
FRAME = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ max-width: 45em; margin: 2em auto; font-family: sans-serif }} textarea {{ width: 100% }}</style>
<nav><a href="/">All pages</a></nav>
<h1>{title}</h1>
{body}
</html>
"""
TRIES = 5  # to push, while others push as well


class Refused(Exception):
    """An answer other than 200: its status, and what a reader is told."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class Wiki:
    """Serve the text files of a git repository as pages that readers can change.

    Keys:
        remote: URL or folder of the git repository, with a branch to serve
        port: TCP port to listen on
        every: seconds between two pulls
    """

    def __init__(self, stack: Stack, console: Console, *, remote: str, port: int = 8080, every: float = 30.0) -> None:
        self.stack = stack
        self.console = console
        self.origin = remote
        self.port = port
        self.every = every
        self.repo = Repo(MemoryBackend(), LINES, author="a reader <>")

    async def run(self) -> None:
        """Clone, then serve until somebody stops the program."""
        self.there = remote(self.origin)
        self.store = await clone(self.repo, self.there)
        self.console.write(f"cloned {self.origin}\n")
        keep_up = asyncio.create_task(self.keep_up())
        try:
            await serve_asgi(self.answer, self.stack, port=self.port)
        finally:
            keep_up.cancel()

    async def keep_up(self) -> None:
        """Pull now and then."""
        while True:
            await asyncio.sleep(self.every)
            try:
                await pull(self.store, self.there, message="pull")
            except (RemoteError, Conflict) as error:
                self.console.write(f"{error}\n")

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request: an ASGI application."""
        if scope["type"] != "http":
            return
        status, headers, body = 200, [(b"content-type", b"text/html; charset=utf-8")], ""
        try:
            name = unquote(scope["path"]).strip("/")
            if scope["method"] == "POST":
                await self.save(name, await _form(receive))
                status, headers = 303, [(b"location", scope["path"].encode())]
            else:
                body = await self.read(name, editing=scope["query_string"] == b"edit")
        except Refused as refused:
            status, body = refused.status, refused.body
        except InvalidPath as error:
            status, body = 400, frame("No such page", escape(str(error)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    async def read(self, name: str, *, editing: bool) -> str:
        """Return a page, the form to change it, or the list of all."""
        tree = await self.store.tree()
        if not name:
            return contents([path async for path, _ in tree.items()])
        found = await tree.find(name)
        head = await self.store.commit()
        if editing:
            return form(name, found or "", "" if head is None else head.hex)
        if found is None:
            raise Refused(404, frame("No such page", f'<a href="/{quote(name)}?edit">Write it</a>'))
        return shown(name, found)

    async def save(self, name: str, fields: dict[str, str]) -> None:
        """Merge what a reader wrote, starting from `base`, with what is there now, and push."""
        new = fields.get("text", "").replace("\r\n", "\n")
        try:
            base = await self.repo.commit(fields["base"])
            before = await base.tree.find(name)
        except (KeyError, ValueError, IrminError):
            raise Refused(400, frame("Try again", "The form was not filled in here.")) from None
        try:
            await self.store.merge(name, before, new, message=f"edit {name}")
        except Conflict as conflict:
            head = await self.store.commit()
            note = f"Somebody else has changed this page: {conflict}. Your text is below."
            raise Refused(409, form(name, new, "" if head is None else head.hex, note)) from None
        await self.publish()

    async def publish(self) -> None:
        """Push; if others were faster, merge and try again. What cannot be pushed now goes with the next change."""
        for _ in range(TRIES):
            try:
                await push(self.store, self.there)
                return
            except PushRejected:
                await pull(self.store, self.there, message="pull")
            except (RemoteError, Conflict) as error:
                self.console.write(f"{error}\n")
                return


async def _form(receive: Any) -> dict[str, str]:
    """Read a form's fields."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            raise Refused(413, frame("Too long", "A page has at most a megabyte."))
        if not message.get("more_body"):
            break
    return {
        name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()
    }


def frame(title: str, body: str) -> str:
    """Return a whole document around a body."""
    return FRAME.format(title=escape(title), body=body)


def contents(names: list[str]) -> str:
    """Return the list of all pages."""
    items = "".join(f'<li><a href="/{quote(name)}">{escape(name)}</a></li>\n' for name in names)
    return frame("All pages", f"<ul>\n{items}</ul>")


def shown(name: str, text: str) -> str:
    """Return a page; [[Name]] is a link."""
    body = LINK.sub(lambda link: f'<a href="/{quote(link[1])}">{link[1]}</a>', escape(text))
    return frame(
        name, f'<pre style="white-space: pre-wrap">{body}</pre>\n<p><a href="/{quote(name)}?edit">Edit</a></p>'
    )


def form(name: str, text: str, base: str, note: str = "") -> str:
    """Return the form that edits a page; `base` is the commit that the text is from."""
    return frame(
        f"Edit {name}",
        f'<p>{escape(note)}</p>\n<form method="post" action="/{quote(name)}">\n'
        f'<input type="hidden" name="base" value="{escape(base)}">\n'
        f'<textarea name="text" rows="24">\n{escape(text)}</textarea>\n<button>Save</button>\n</form>',
    )
