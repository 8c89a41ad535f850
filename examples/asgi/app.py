"""A Starlette application. It knows nothing of fata: any ASGI server runs it, and fata is one."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>An echo</title>
<h1>An echo</h1>
<form><input name="text" autofocus autocomplete="off"> <button>Call</button></form>
<ol></ol>
<script>
  const socket = new WebSocket(location.href.replace("http", "ws") + "echo");
  const list = document.querySelector("ol");
  socket.onmessage = (message) => list.append(Object.assign(document.createElement("li"), {textContent: message.data}));
  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    socket.send(event.target.text.value);
    event.target.reset();
  };
</script>
</html>
"""


async def page(request: Request) -> HTMLResponse:
    """Show a page that talks to `echo`."""
    return HTMLResponse(PAGE)


async def hello(request: Request) -> JSONResponse:
    """Greet whoever is named in the path."""
    return JSONResponse({"hello": request.path_params["name"], "client": request.client and request.client.host})


async def count(request: Request) -> StreamingResponse:
    """Count to `to`, a line at a time."""

    async def lines() -> AsyncIterator[str]:
        for number in range(request.path_params["to"]):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(lines(), media_type="text/plain")


async def upload(request: Request) -> JSONResponse:
    """Count and hash what is sent, without ever holding all of it."""
    digest, octets = hashlib.sha256(), 0
    async for piece in request.stream():
        digest.update(piece)
        octets += len(piece)
    return JSONResponse({"octets": octets, "sha256": digest.hexdigest()})


async def echo(websocket: WebSocket) -> None:
    """Send every message back, text as text and octets as octets."""
    await websocket.accept()
    while (message := await websocket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


app = Starlette(
    routes=[
        Route("/", page),
        Route("/hello/{name}", hello),
        Route("/count/{to:int}", count),
        Route("/upload", upload, methods=["POST", "PUT"]),
        WebSocketRoute("/echo", echo),
    ]
)
