"""`fata run examples/kv_server`, asked by clients of Redis, on the host's sockets and on our stack."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from examples.kv_server.app import Broken, take_command, written
from tests.http.command import Running
from tests.peers.echo import ask_on_our_stack

FOLDER = Path(__file__).parent


def test_commands_come_in_pieces() -> None:
    whole = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nv\r\n\r\n\r\nPING  x\r\n*1\r\n$4\r\nPING\r\n"
    buffer, found = bytearray(), []
    for octet in whole:
        buffer.append(octet)
        while (words := take_command(buffer)) is not None:
            found.append(words)
    assert found == [[b"SET", b"a", b"v\r\n\r\n"], [b"PING", b"x"], [b"PING"]]
    assert buffer == b""


@pytest.mark.parametrize("broken", [b"*x\r\n", b"*1\r\n+3\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$1\r\nab\r\n", bytes(70_000)])
def test_what_is_no_command(broken: bytes) -> None:
    with pytest.raises(Broken):
        take_command(bytearray(broken))


def test_replies() -> None:
    assert written(["OK", b"a", 1, None, [], ValueError("no\r\nway")]) == (
        b"*6\r\n+OK\r\n$1\r\na\r\n:1\r\n$-1\r\n*0\r\n-no  way\r\n"
    )


def talk(address: str, port: int) -> None:
    """Ask everything, as redis-py does."""
    import redis

    with redis.Redis(host=address, port=port, protocol=2, socket_timeout=20) as client:
        assert client.ping()
        assert client.set("a", "1")
        assert client.set("a", "2", nx=True) is None
        assert client.set("b", "2", xx=True) is None
        assert (client.get("a"), client.get("b")) == (b"1", None)
        assert (client.incr("a"), client.exists("a", "b"), client.delete("a", "b")) == (2, 1, 1)
        client.set("word", "x")
        with pytest.raises(redis.ResponseError, match="not an integer"):
            client.incr("word")
        with client.pipeline(transaction=True) as pipeline:
            for number in range(50):
                pipeline.set(f"key{number}", bytes([number]) * number * 100)
            pipeline.get("key2")
            assert pipeline.execute() == [True] * 50 + [b"\2" * 200]
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set("left", "1")
            pipeline.incr("word")
            pipeline.set("right", "1")
            replies = pipeline.execute(raise_on_error=False)
        assert [type(reply).__name__ for reply in replies] == ["bool", "ResponseError", "bool"]
        assert client.exists("left", "right") == 2
        assert sorted(client.scan_iter(match="key1*", count=7)) == sorted(
            f"key{number}".encode() for number in range(50) if str(number).startswith("1")
        )
        assert client.dbsize() == 53
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.execute_command("FLY")


def cli(port: int, *words: str) -> str:
    """Ask redis-cli."""
    done = subprocess.run(
        ["redis-cli", "-h", "127.0.0.1", "-p", str(port), *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.peer
def test_clients_on_the_hosts_sockets_and_what_is_left_after_a_kill(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(8 << 20))
    words = ("--disk", "file", "--image", str(image))
    with Running(FOLDER, *words) as running:
        talk("127.0.0.1", running.port)
        assert cli(running.port, "set", "from-cli", "with spaces") == "OK"
        assert cli(running.port, "incr", "n") == "1"
        running.process.kill()
    with Running(FOLDER, *words) as running:
        assert cli(running.port, "get", "from-cli") == "with spaces"
        assert cli(running.port, "incr", "n") == "2"
        assert cli(running.port, "dbsize") == "55"


@pytest.mark.peer
@pytest.mark.root
def test_clients_on_our_stack() -> None:
    ask_on_our_stack(FOLDER, talk)
