"""A server for clients of Redis, whose every change survives a power cut before it is answered."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from fnmatch import translate
from typing import Any, NamedTuple

from fata.device import Block, Console, Entropy, Stack
from fata.errors import DeviceError, StateError
from fata.store.btree.opening import UUID_SIZE, open_or_format
from fata.store.btree.store import Btree
from fata.store.btree.transaction import Transaction

Reading = Btree | Transaction

BUFFERED = 4 << 20  # octets of commands that wait, at most: then the connection is read no further
CRLF = b"\r\n"
ARGUMENTS = 1024  # in one command, at most
ARGUMENT = 1 << 20  # octets, at most
LINE = 1 << 16  # octets of an inline command or a length, at most

Reply = bytes | int | str | None | Exception | list["Reply"]
KEPT_CURSORS = 1024
INTEGER = re.compile(rb"-?(0|[1-9][0-9]{0,18})")
SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1


class Broken(Exception):
    """Octets that are no command. The connection cannot go on: nobody knows where the next one begins."""


def take_command(buffer: bytearray) -> list[bytes] | None:
    """Take a whole command off the buffer's front; None if it has not come whole yet. Raises `Broken`."""
    head, position = _line(buffer, 0)
    if head is None:
        return None
    if not head.startswith(b"*"):
        del buffer[:position]
        return head.split()
    count = _number(head, ARGUMENTS)
    words: list[bytes] = []
    for _ in range(count):
        length_line, start = _line(buffer, position)
        if length_line is None:
            return None
        if not length_line.startswith(b"$"):
            raise Broken(f"expected '$', got {length_line[:1]!r}")
        end = start + _number(length_line, ARGUMENT)
        if len(buffer) < end + 2:
            return None
        words.append(bytes(buffer[start:end]))
        if buffer[end : end + 2] != CRLF:
            raise Broken("an argument is longer than it says")
        position = end + 2
    del buffer[:position]
    return words


def _line(buffer: bytearray, start: int) -> tuple[bytes | None, int]:
    """Return the line from `start` on, and where the next one begins."""
    end = buffer.find(b"\n", start, start + LINE)
    if end < 0:
        if len(buffer) - start >= LINE:
            raise Broken("a line without end")
        return None, start
    return bytes(buffer[start:end]).removesuffix(b"\r"), end + 1


def _number(line: bytes, most: int) -> int:
    if not line[1:].isdigit() or len(line) > 12 or int(line[1:]) > most:
        raise Broken(f"invalid length {line[:20]!r}")
    return int(line[1:])


def written(reply: Reply) -> bytes:
    """Write a reply: str is a status, bytes a value, None no value, an exception an error."""
    match reply:
        case None:
            return b"$-1\r\n"
        case bool() | int():
            return b":%d\r\n" % reply
        case str():
            return b"+%s\r\n" % reply.encode()
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n" % len(reply) + b"".join(map(written, reply))
        case _:
            return b"-%s\r\n" % str(reply).replace("\r", " ").replace("\n", " ").encode()


class Refused(Exception):
    """The client's mistake; the connection goes on."""


class Command(NamedTuple):
    """A command: how many words it has at least and at most, itself included, and what it does."""

    least: int
    most: int
    run: Callable[[Any, Any, list[bytes]], Awaitable[Reply]]
    changes: bool = False


class Commands:
    """Runs commands. A cursor of SCAN is a number for the key where the next piece begins."""

    def __init__(self) -> None:
        self._cursors: OrderedDict[int, bytes] = OrderedDict()
        self._made = 0

    async def get(self, store: Reading, words: list[bytes]) -> Reply:
        """GET key."""
        return await store.get(words[1])

    async def set(self, store: Transaction, words: list[bytes]) -> Reply:
        """SET key value [NX | XX]."""
        _, key, value, *options = words
        wanted = {option.upper() for option in options}
        if wanted - {b"NX", b"XX"} or len(wanted) > 1:
            raise Refused("ERR syntax error")
        if wanted and await store.contains(key) is (b"NX" in wanted):
            return None
        await store.put(key, value)
        return "OK"

    async def delete(self, store: Transaction, words: list[bytes]) -> Reply:
        """DEL key…"""
        return sum([await store.delete(key) for key in words[1:]])

    async def exists(self, store: Reading, words: list[bytes]) -> Reply:
        """EXISTS key…"""
        return sum([await store.contains(key) for key in words[1:]])

    async def incr(self, store: Transaction, words: list[bytes]) -> Reply:
        """INCR key, INCRBY key amount."""
        value, more = await store.get(words[1]) or b"0", words[2] if len(words) == 3 else b"1"
        if not INTEGER.fullmatch(value) or not INTEGER.fullmatch(more):
            raise Refused("ERR value is not an integer or out of range")
        total = int(value) + int(more)
        if not SMALLEST <= total <= LARGEST:
            raise Refused("ERR increment or decrement would overflow")
        await store.put(words[1], b"%d" % total)
        return total

    async def scan(self, store: Reading, words: list[bytes]) -> Reply:
        """SCAN cursor [MATCH pattern] [COUNT count]."""
        options = _options(words[2:])
        count = options.get(b"COUNT", b"10")
        if not words[1].isdigit() or not count.isdigit() or not 0 < int(count) <= 10_000:
            raise Refused("ERR invalid cursor or count")
        cursor = int(words[1])
        if cursor and cursor not in self._cursors:
            raise Refused("ERR invalid cursor: it is too old")
        start = self._cursors[cursor] if cursor else None
        pattern = re.compile(translate(options.get(b"MATCH", b"*").decode("latin-1")))
        keys: list[Reply] = []
        seen = 0
        async for key in store.keys(start):
            if seen == int(count):
                return [b"%d" % self._cursor(key), keys]
            seen += 1
            if pattern.match(key.decode("latin-1")):
                keys.append(key)
        return [b"0", keys]

    def _cursor(self, key: bytes) -> int:
        self._made += 1
        self._cursors[self._made] = key
        if len(self._cursors) > KEPT_CURSORS:
            self._cursors.popitem(last=False)
        return self._made

    async def dbsize(self, store: Reading, words: list[bytes]) -> Reply:
        """DBSIZE."""
        count = 0
        async for _ in store.keys():
            count += 1
        return count

    async def ping(self, store: Reading, words: list[bytes]) -> Reply:
        """PING [message]."""
        return words[1] if len(words) == 2 else "PONG"

    async def select(self, store: Reading, words: list[bytes]) -> Reply:
        """SELECT 0."""
        if words[1] != b"0":
            raise Refused("ERR DB index is out of range")
        return "OK"

    async def hello(self, store: Reading, words: list[bytes]) -> Reply:
        """HELLO [2]: there is no other version here, as with the servers before Redis 6."""
        if words[1:2] not in ([], [b"2"]):
            raise Refused("NOPROTO unsupported protocol version")
        return [b"server", b"fata", b"version", b"6.0.0", b"proto", 2, b"id", 1, b"mode", b"standalone"]

    async def client(self, store: Reading, words: list[bytes]) -> Reply:
        """CLIENT SETNAME | SETINFO: taken note of by nobody."""
        return "OK"

    async def nothing(self, store: Reading, words: list[bytes]) -> Reply:
        """COMMAND: redis-cli asks for help texts when it starts."""
        return []


COMMANDS = {
    b"GET": Command(2, 2, Commands.get),
    b"SET": Command(3, 4, Commands.set, changes=True),
    b"DEL": Command(2, 1024, Commands.delete, changes=True),
    b"EXISTS": Command(2, 1024, Commands.exists),
    b"INCR": Command(2, 2, Commands.incr, changes=True),
    b"INCRBY": Command(3, 3, Commands.incr, changes=True),
    b"SCAN": Command(2, 6, Commands.scan),
    b"DBSIZE": Command(1, 1, Commands.dbsize),
    b"PING": Command(1, 2, Commands.ping),
    b"SELECT": Command(2, 2, Commands.select),
    b"HELLO": Command(1, 8, Commands.hello),
    b"CLIENT": Command(2, 8, Commands.client),
    b"COMMAND": Command(1, 8, Commands.nothing),
}


def find(words: list[bytes]) -> Command:
    """Return the command that is meant; refuse one that there is not, or with the wrong number of words."""
    name = words[0].upper()
    command = COMMANDS.get(name)
    if command is None:
        raise Refused(f"ERR unknown command '{name.decode('latin-1')[:64]}'")
    if not command.least <= len(words) <= command.most:
        raise Refused(f"ERR wrong number of arguments for '{name.decode('latin-1').lower()}' command")
    return command


def _options(words: list[bytes]) -> dict[bytes, bytes]:
    if len(words) % 2 or {word.upper() for word in words[::2]} - {b"MATCH", b"COUNT"}:
        raise Refused("ERR syntax error")
    return {name.upper(): value for name, value in zip(words[::2], words[1::2], strict=True)}


class KvServer:
    """Serve GET, SET, DEL, EXISTS, INCR, SCAN, MULTI and EXEC from a B-tree on a disk.

    Keys:
        port: TCP port to listen on
    """

    def __init__(self, disk: Block, stack: Stack, entropy: Entropy, console: Console, *, port: int = 6379) -> None:
        self.disk = disk
        self.stack = stack
        self.entropy = entropy
        self.console = console
        self.port = port

    async def run(self) -> None:
        """Serve until somebody stops the program."""
        async with await open_or_format(self.disk, self.entropy.octets(UUID_SIZE)) as store:
            commands = Commands()
            server = await self.stack.create_server(lambda: Connection(store, commands), port=self.port)
            self.console.write(f"listening on tcp://*:{server.addresses[0][1]}\n")
            await asyncio.Event().wait()


class Connection(asyncio.Protocol):
    """A client. Its commands are done one after the other; those of others in between."""

    def __init__(self, store: Btree, commands: Commands) -> None:
        self.store = store
        self.commands = commands
        self.buffer = bytearray()
        self.queue: list[list[bytes]] | None = None  # between MULTI and EXEC
        self.refused = False  # whether a command in the queue was wrong
        self.worker: asyncio.Task[None] | None = None
        self.flowing = asyncio.Event()
        self.flowing.set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > BUFFERED:
            self.transport.pause_reading()
        if self.worker is None:
            self.worker = asyncio.create_task(self.work())

    def pause_writing(self) -> None:
        self.flowing.clear()

    def resume_writing(self) -> None:
        self.flowing.set()

    def connection_lost(self, error: Exception | None) -> None:
        if self.worker is not None:
            self.worker.cancel()

    async def work(self) -> None:
        """Do every command that has come whole."""
        try:
            while (words := take_command(self.buffer)) is not None:
                if words:
                    self.transport.write(written(await self.answer(words)))
                    await self.flowing.wait()
            self.transport.resume_reading()
        except Broken as error:
            self.transport.write(written(Refused(f"ERR Protocol error: {error}")))
            self.transport.close()
        finally:
            self.worker = None

    async def answer(self, words: list[bytes]) -> Reply:
        """Do one command; an error is an answer too."""
        try:
            match words[0].upper():
                case b"MULTI" if self.queue is None:
                    self.queue, self.refused = [], False
                    return "OK"
                case b"EXEC" | b"DISCARD" as word if self.queue is not None:
                    queue, self.queue = self.queue, None
                    return await self.execute(queue) if word == b"EXEC" else "OK"
                case b"MULTI" | b"EXEC" | b"DISCARD" as word:
                    raise Refused(f"ERR {word.decode()} calls cannot be nested, and EXEC needs a MULTI before it")
            return await self.single(words)
        except (Refused, StateError, DeviceError) as error:
            self.refused = True
            return error if isinstance(error, Refused) else Refused(f"ERR {error}")

    async def single(self, words: list[bytes]) -> Reply:
        """Do a command at once, or queue it."""
        command = find(words)
        if self.queue is not None:
            if len(self.queue) >= 10_000:
                raise Refused("ERR too many commands in a transaction")
            self.queue.append(words)
            return "QUEUED"
        if not command.changes:
            return await command.run(self.commands, self.store, words)
        async with self.store.transaction() as transaction:
            return await command.run(self.commands, transaction, words)

    async def execute(self, queue: list[list[bytes]]) -> Reply:
        """Do the queued commands as one: all are durable, or none. One that is refused changes nothing by itself."""
        if self.refused:
            raise Refused("EXECABORT Transaction discarded because of previous errors.")
        replies: list[Reply] = []
        async with self.store.transaction() as transaction:
            for words in queue:
                try:
                    with transaction.savepoint():
                        replies.append(await find(words).run(self.commands, transaction, words))
                except Refused as error:
                    replies.append(error)
        return replies
