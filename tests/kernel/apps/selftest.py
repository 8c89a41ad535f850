"""What every image must be able to do, tested from inside; the same program runs on the machine and under Linux."""

import array
import asyncio
import base64
import hashlib
import json
import math
import os
import random
import struct
import sys
import sysconfig
import tempfile
import threading
import time
import zlib


def check_sysconfig() -> None:
    """Python knows how it was built, though no folder of its own is there."""
    assert sys.platlibdir == "lib"
    assert sysconfig.get_config_var("WITH_DOC_STRINGS") == 1


def check_numbers() -> None:
    assert math.sqrt(2.0) ** 2 == 2.0000000000000004
    assert array.array("d", [0.1] * 3).tolist() == [0.1, 0.1, 0.1]
    assert struct.unpack("<d", struct.pack("<d", math.pi)) == (math.pi,)


def check_codecs() -> None:
    text = {"name": "Zoë ☃", "list": [1, 2.5, None, True]}
    assert json.loads(json.dumps(text)) == text
    data = bytes(random.randrange(256) for _ in range(10_000)) + bytes(10_000)
    assert zlib.decompress(zlib.compress(data)) == data
    assert base64.b64decode(base64.b64encode(data)) == data
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashlib.sha256(b"abc").hexdigest() == digest
    assert hashlib.blake2b(b"abc").hexdigest().startswith("ba80a53f981c4d0d")


def check_time() -> None:
    began, wall = time.monotonic(), time.time()
    time.sleep(0.05)
    assert 0.05 <= time.monotonic() - began < 1.0
    assert abs((time.time() - wall) - (time.monotonic() - began)) < 0.01
    assert time.gmtime().tm_year >= 2025
    used, own = time.process_time(), time.thread_time()
    time.sleep(0.1)
    assert time.process_time() - used < 0.05
    assert time.thread_time() - own < 0.05
    while time.thread_time() - own < 0.1:
        pass
    assert time.process_time() - used >= 0.1


def check_entropy() -> None:
    assert len({os.urandom(16) for _ in range(100)}) == 100


def check_asyncio() -> None:
    order: list[str] = []

    async def later(delay: float, name: str) -> None:
        await asyncio.sleep(delay)
        order.append(name)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(later(0.06, "c"), later(0.02, "a"), later(0.04, "b"))
        assert await loop.run_in_executor(None, sum, range(100_000)) == 4_999_950_000
        answers = await asyncio.gather(*(loop.run_in_executor(None, pow, 3, n) for n in range(20)))
        assert answers == [3**n for n in range(20)]
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.02)
        except TimeoutError:
            order.append("timeout")

    asyncio.run(main())
    assert order == ["a", "b", "c", "timeout"], order


def check_threads() -> None:
    lock, total, workers = threading.Lock(), [0], 8

    def work() -> None:
        value = 1.0
        for _ in range(2000):
            value = value * 1.0000001 + 0.5
            with lock:
                total[0] += 1
        results.append(value)

    results: list[float] = []
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total[0] == workers * 2000
    assert len(set(results)) == 1, "the floating-point state of threads is mixed up"
    many, event = [threading.Thread(target=lambda: event.wait()) for _ in range(100)], threading.Event()
    for thread in many:
        thread.start()
    event.set()
    for thread in many:
        thread.join()
    for _ in range(100):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()


def check_preemption() -> None:
    began = time.monotonic()
    for _ in range(4):
        take_turns()
    assert time.monotonic() - began < 4.0, "the main thread starves among busy ones"


def take_turns() -> None:
    stop, counts = threading.Event(), [0, 0]

    def spin(index: int) -> None:
        while not stop.is_set():
            counts[index] += 1

    threads = [threading.Thread(target=spin, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(counts) * 10 > max(counts), counts


def check_events() -> None:
    event, began = threading.Event(), time.monotonic()
    assert not event.wait(0.05)
    assert 0.05 <= time.monotonic() - began < 1.0
    threading.Timer(0.05, event.set).start()
    assert event.wait(10)


def check_files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sub", "file")
        os.mkdir(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(b"x" * 100_000)
            file.seek(10)
            file.write(b"abc")
        with open(path, "ab") as file:
            file.write(b"end")
        assert os.stat(path).st_size == 100_003
        with open(path, "rb") as file:
            data = file.read()
        assert data[9:14] == b"xabcx"
        assert data.endswith(b"xend")
        os.rename(path, path + "2")
        assert os.listdir(os.path.dirname(path)) == ["file2"]
        assert not os.path.exists(path)
        before = os.getcwd()
        os.chdir(os.path.dirname(path))
        assert os.listdir() == ["file2"]
        assert os.path.realpath("file2") == os.path.realpath(path + "2")
        os.chdir(before)
        with open(path + "2", "r+b") as file:
            file.truncate(5)
        assert os.stat(path + "2").st_size == 5
    assert not os.path.exists(folder)


def check_pipes() -> None:
    reader, writer = os.pipe()
    answer: list[bytes] = []
    thread = threading.Thread(target=lambda: answer.append(os.read(reader, 100)))
    thread.start()
    time.sleep(0.02)
    os.write(writer, b"through")
    thread.join()
    assert answer == [b"through"]
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)


def check_web_calls() -> None:
    from io import BytesIO, StringIO
    from wsgiref.handlers import SimpleHandler

    def wsgi(environ: dict[str, object], start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]
        return [b"hello from ", str(environ["REQUEST_METHOD"]).encode()]

    answer = BytesIO()
    request = {"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1"}
    SimpleHandler(BytesIO(), answer, StringIO(), request).run(wsgi)
    assert answer.getvalue().endswith(b"hello from GET"), answer.getvalue()

    async def asgi(scope: dict[str, str], receive: object, send: object) -> None:
        body = await receive()  # type: ignore[operator]
        await send({"type": "http.response.start", "status": 200})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": body["body"] + scope["path"].encode()})  # type: ignore[operator]

    async def call() -> list[dict[str, object]]:
        sent: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        asked: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        asked.put_nowait({"type": "http.request", "body": b"got "})
        await asgi({"type": "http", "path": "/page"}, asked.get, sent.put)
        return [sent.get_nowait(), sent.get_nowait()]

    assert asyncio.run(call())[1]["body"] == b"got /page"


def check_tls() -> None:
    import ssl

    import certificate  # type: ignore[import-not-found]  # written into the image by the test

    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "pem")
    with open(path, "w") as file:
        file.write(certificate.PEM)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(path)
    client_context = ssl.create_default_context(cadata=certificate.PEM)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
    assert client.version() == server.version() == "TLSv1.3"
    client.write(b"secret")
    assert server.read(100) == b"secret"


def check_cipher() -> None:
    import _cipher

    key, iv, text = bytes(range(32)), bytes(12), b"text" * 10
    for name in ("aes-256-gcm", "chacha20-poly1305"):
        sealed = _cipher.encrypt(name, key, iv, text, b"head")
        assert len(sealed) == len(text) + 16
        assert _cipher.decrypt(name, key, iv, sealed, b"head") == text
        try:
            _cipher.decrypt(name, key, iv, sealed[:-1] + bytes([sealed[-1] ^ 1]), b"head")
        except ValueError:
            pass
        else:
            raise AssertionError("a wrong tag was accepted")
    halves = bytes(range(64))
    sector = bytes(512)
    assert (
        _cipher.decrypt("aes-256-xts", halves, bytes(16), _cipher.encrypt("aes-256-xts", halves, bytes(16), sector))
        == sector
    )


def main() -> None:
    skipped = sys.argv[1:]
    for name, check in list(globals().items()):
        if name.startswith("check_") and name not in skipped:
            began = time.monotonic()
            check()
            print(f"ok {name} {(time.monotonic() - began) * 1000:.0f} ms")
    print("all passed")


main()
