"""Small projects whose main.py is compared with a golden file, read by a type checker, or both.

Every module has a name of its own, so that all of them can lie in one folder.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.config.conftest import Folder


class Program(NamedTuple):
    """A project: its files, its config.py, and the words it is configured with."""

    files: dict[str, str]
    config: str
    words: tuple[str, ...] = ()

    def write(self, folder: Folder) -> Folder:
        """Write the project into a folder."""
        return folder.write(self.files).config("from fata.config import *\n\n" + self.config)


RUN = "    async def run(self) -> None: ...\n"

HELLO = Program(
    {
        "hello.py": f'''
from fata.device import Console


class Hello:
    """Say hello.

    Keys:
        name: whom to greet
        count: how many times
    """

    def __init__(self, console: Console, *, name: str = "world", count: int = 1) -> None: ...

{RUN}'''
    },
    'register("hello", main("hello:Hello"))\n',
)

WEB = Program(
    {
        "web.py": f'''
import asyncio
from enum import Enum
from typing import Literal

from fata.device import KvRo, Stack


class Level(Enum):
    LOW = 1
    HIGH = 2


class Www:
    """Serve the pages of `site`.

    Keys:
        port: TCP port to listen on
        aliases: further names of the host, which are answered with a redirection to the first of them all
    """

    def __init__(
        self,
        site: KvRo,
        stack: Stack,
        *,
        port: int,
        aliases: list[str] = ["www"],
        level: Level = Level.LOW,
        mode: Literal["fast", "safe"] | None = None,
    ) -> None: ...

{RUN}''',
        "htdocs/index.html": "<!doctype html>\n",
    },
    'register("web", main("web:Www", site=crunch("htdocs"), stack=generic_stack()))\n',
)

TWO_JOBS = Program(
    {
        "clerks.py": f"""
from fata.device import Console, KvRw


class Clerk:
    def __init__(self, ledger: KvRw, console: Console, *, desk: str, notes: int = 2) -> None: ...

{RUN}"""
    },
    """
register(
    "two-jobs",
    main("clerks:Clerk", "east", ledger=memory_kv(name="east_ledger"), desk="east"),
    main("clerks:Clerk", "west", ledger=memory_kv(name="west_ledger"), desk="west"),
)
""",
)

EVERY_KEY = Program(
    {
        "keyed.py": f"""
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum, StrEnum
from typing import Literal

from fata.device import KvRo


class Colour(Enum):
    RED = 1
    BLUE = 2


class Shade(StrEnum):
    DARK = "dark"


@dataclass
class Keyed:
    store: KvRo | None
    other: KvRo | None
    _: KW_ONLY
    text: str = 'with "quotes" and \\\\'
    integer: int = -1
    number: float = 2
    boolean: bool = True
    colour: Colour = Colour.RED
    shade: Shade | None = None
    mode: Literal["fast", "safe"] = "safe"
    level: Literal[1, 2] | None = 1
    texts: list[str] = field(default_factory=list)
    colours: list[Colour] | None = field(default_factory=lambda: [Colour.RED, Colour.BLUE])
    modes: list[Literal["a", "b"]] = field(default_factory=lambda: ["a"])
    required: str
    given: Colour
    given_many: list[Colour]
    given_number: float

{RUN}"""
    },
    """
register(
    "keyed",
    main("keyed:Keyed", store=None, given="BLUE", given_many=["RED", "BLUE"], given_number=key("rate", int, default=3)),
)
""",
    ("--text=it's", "--colours=blue,red", "--level=2"),
)

DEVICES = Program(
    {
        "devices.py": f"""
from fata.device import Block, Clock, Entropy, KvRo, KvRw


class devices:
    def __init__(
        self, a: KvRo, b: KvRw, c: Block, d: Block, clock: Clock, entropy: Entropy, other: Block | None, *, kv: str
    ) -> None: ...

{RUN}"""
    },
    """
kv = key("kv", str, choices=["memory", "folder"], default="memory")
register(
    "devices",
    main(
        "devices:devices",
        a=generic_kv_ro("."),
        b=match(kv, {"memory": memory_kv(name="left"), "folder": directory(".")}),
        c=ramdisk(key("sectors", int, default=2048), read_only=True),
        d=block_file(key("image", str, default="disk.img")),
        kv=kv,
    ),
)
""",
    ("--kv", "folder"),
)

ASGI = Program(
    {
        "shop.py": """
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None: ...


class Site:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


site = Site()
"""
    },
    'register("shop", main("shop:app", port=8080), main("shop:site", "admin", host="::1"))\n',
)

TWINS = Program(
    {
        "twin_one.py": f"""
from enum import Enum

from fata.device import KvTx


class Mode(Enum):
    A = 1


class Twin:
    def __init__(self, text: KvTx, many: KvTx, *, mode: Mode = Mode.A, argument: int = 1, names: list[str]) -> None: ...

{RUN}""",
        "twin_two.py": f"""
from enum import Enum

from fata.device import KvTx


class Mode(Enum):
    B = 1


class Twin:
    def __init__(self, integer: KvTx, *, mode: Mode = Mode.B, type_checking: bool = False) -> None: ...

{RUN}
class WWW:
    def __init__(self, *, www: int = 1, values: Mode) -> None: ...

{RUN}
class Boot(WWW): ...
class Asyncio(WWW): ...
class wire(WWW): ...
class boot(WWW): ...
class asyncio(WWW): ...
class Class(WWW): ...
""",
    },
    """
register(
    "twins",
    main("twin_one:Twin", text=memory_kv(name="text"), many=memory_kv(name="many")),
    main("twin_two:Twin", "integer", integer=memory_kv(name="integer")),
    main("twin_two:WWW", "optional", values="B"),
    main("twin_two:Boot", "a"),
    main("twin_two:Asyncio", "b"),
    main("twin_two:wire", "c"),
    main("twin_two:boot", "d"),
    main("twin_two:asyncio", "e"),
    main("twin_two:Class", www=7, values="B"),
    main("twin_two:WWW", "class", www=8, values="B"),
)
""",
)

PROGRAMS = {
    "hello": HELLO,
    "web": WEB,
    "two_jobs": TWO_JOBS,
    "keyed": EVERY_KEY,
    "devices": DEVICES,
    "asgi": ASGI,
    "twins": TWINS,
}
