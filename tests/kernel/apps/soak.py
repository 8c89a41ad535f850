"""Works for a while in threads, in asyncio, with files and codecs, and tells how many pages are free as it goes."""

import asyncio
import gc
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
import zlib

import _hw  # of the guest alone


def churn(seed: int) -> None:
    """Take memory of many sizes through every allocator, and let go of it."""
    table = {f"key {n}": [n * seed, "x" * (n % 700)] for n in range(300)}
    text = json.dumps(table).encode()
    assert json.loads(zlib.decompress(zlib.compress(text))) == table
    hashlib.sha256(bytearray(100_000 + seed % 7 * 50_000)).digest()


def in_threads(seed: int) -> None:
    threads = [threading.Thread(target=churn, args=(seed + n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def in_a_loop(seed: int) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(asyncio.sleep(n / 10_000) for n in range(20)))
    await asyncio.gather(*(loop.run_in_executor(None, churn, seed + n) for n in range(2)))


def in_files(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "file"), "wb") as file:
        file.write(bytes(10_000 + seed % 5 * 1000))
    reader, writer = os.pipe()
    os.write(writer, b"x")
    os.close(writer)
    assert os.read(reader, 2) == b"x"
    os.close(reader)


def main() -> None:
    seconds, began, seed = float(sys.argv[1]), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        for _ in range(4):
            seed += 1
            in_threads(seed)
            asyncio.run(in_a_loop(seed))
            in_files(seed)
        gc.collect()
        print("free", _hw.machine()["pages_free"])


main()
