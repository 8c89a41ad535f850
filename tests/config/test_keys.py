"""Keys as config.py declares them: types, choices, stages, names, and what of it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fata.config import key, main
from fata.config.keys import LAUNCHER_OPTIONS, REQUIRED, Key, prefixed
from fata.config.value import BOOLEAN, INTEGER, NUMBER, TEXT, Enumeration, KeyType, Many, Maybe, OneOf, serves
from tests.config.conftest import Folder, assert_blames, line_of, refusal

KEY = "from fata.config import *\n{key}\nregister('app', main('app:App'))\n"
APP = "class App:\n    def __init__(self, *, level: int = 1) -> None: ...\n    async def run(self) -> None: ...\n"

DECLARED: list[tuple[Key[Any], KeyType, object]] = [
    (key("name", str), TEXT, REQUIRED),
    (key("name", str, default="x"), TEXT, "x"),
    (key("count", int, default=-1), INTEGER, -1),
    (key("rate", float, default=1.5), NUMBER, 1.5),
    (key("rate", float, default=1), NUMBER, 1),
    (key("loud", bool, default=False), BOOLEAN, False),
    (key("mode", str, choices=["fast", "safe"], default="safe"), OneOf(("fast", "safe")), "safe"),
    (key("level", int, choices=(1, 2)), OneOf((1, 2)), REQUIRED),
    (key("tags", list[str]), Many(TEXT), REQUIRED),
    (key("ports", list[int], default=[80, 443]), Many(INTEGER), [80, 443]),
]


@pytest.mark.parametrize(("declared", "key_type", "default"), DECLARED)
def test_a_key_has_the_type_it_is_declared_with(declared: Key[Any], key_type: KeyType, default: object) -> None:
    assert (declared.type, declared.default) == (key_type, default)


def test_a_list_of_choices() -> None:
    modes: Any = ["fast", "safe"]  # of the items' type, which the type of `key` does not say
    declared = key("modes", list[str], choices=modes, default=["safe"])
    assert declared.type == Many(OneOf(("fast", "safe")))


@pytest.mark.parametrize(
    ("stage", "configures", "boots"), [("configure", True, False), ("boot", False, True), ("both", True, True)]
)
def test_a_stage_says_when_a_value_is_read(stage: Any, configures: bool, boots: bool) -> None:
    declared = key("name", str, stage=stage)
    assert (declared.configures, declared.boots) == (configures, boots)


def test_keys_are_the_same_when_all_but_the_place_agrees() -> None:
    one = key("ports", list[int], default=[80])
    other = key("ports", list[int], default=[80])
    assert one == other
    assert hash(one) == hash(other)
    assert one.where != other.where
    assert one != key("ports", list[int], default=[81])


REFUSED = {
    "no such type": ("key('x', bytes)", "is not a type for a key", "str, int, float, bool, or list[…]"),
    "a type in quotes": ("key('x', 'int')", "is not a type for a key", "list[…]"),
    "a list of nothing": ("key('x', list)", "is not a type for a key", "list[…]"),
    "a list of lists": ("key('x', list[list[int]])", "is not a type for a key", "list[…]"),
    "an optional type": ("key('x', int | None)", "is not a type for a key", "list[…]"),
    "default of another type": ("key('x', int, default='3')", "the default '3' is not an integer", "required"),
    "default that is no choice": ("key('x', str, choices=['a'], default='b')", "is not one of a", "required"),
    "default that equals a choice": ("key('x', int, choices=[1], default=True)", "default True is not one of 1", ""),
    "infinite default": ("key('x', float, default=float('inf'))", "the default inf is not a number", "required"),
    "single default for a list": ("key('x', list[int], default=1)", "is not a list", "required"),
    "choices of another type": ("key('x', int, choices=[1, 'b'])", "every choice must be an integer", "choices="),
    "no choices": ("key('x', int, choices=[])", "every choice must be an integer", "choices="),
    "choices of numbers": ("key('x', float, choices=[1.5])", "only texts and integers have choices", "Leave"),
    "choices of booleans": ("key('x', bool, choices=[True])", "only texts and integers have choices", "Leave"),
    "unknown stage": ("key('x', int, stage='run')", "unknown stage 'run'", "'configure', 'boot' or 'both'"),
    "upper case": ("key('Port', int)", "'Port': not a name for an option", "lower-case"),
    "underscore": ("key('tcp_port', int)", "'tcp_port': not a name for an option", "'-'"),
    "digit first": ("key('2nd', int)", "not a name for an option", "lower-case"),
    "dash first": ("key('-port', int)", "not a name for an option", "lower-case"),
    "dash last": ("key('port-', int)", "not a name for an option", "lower-case"),
    "space": ("key('tcp port', int)", "not a name for an option", "lower-case"),
    "equals sign": ("key('a=b', int)", "not a name for an option", "lower-case"),
    "empty": ("key('', int)", "not a name for an option", "lower-case"),
    "no text": ("key(3, int)", "has no attribute", "Mend this line"),
}


@pytest.mark.parametrize(("call", "reason", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_a_key_that_cannot_be_is_refused_at_its_line(folder: Folder, call: str, reason: str, remedy: str) -> None:
    folder.app(APP).config(KEY.format(key=call))
    assert_blames(refusal(folder.project), folder.path / "config.py", 2, reason, remedy)


@pytest.mark.parametrize("name", sorted(LAUNCHER_OPTIONS | {"no-reload"}))
def test_a_reserved_name_is_refused(folder: Folder, name: str) -> None:
    folder.app(APP).config(KEY.format(key=f"key({name!r}, int)"))
    error = refusal(folder.project)
    assert_blames(error, folder.path / "config.py", 2, f"{name!r}: the name is reserved", "fata help reserved")


PARAMETERS = {
    "reserved": (
        "class App:\n    def __init__(self, *, memory: int): ...",
        "memory: int",
        "'memory': the name is reserved",
    ),
    "reserved with dashes": ("class App:\n    def __init__(self, *, ipv4_gateway: str): ...", "ipv4", "is reserved"),
    "upper case": ("class App:\n    def __init__(self, *, Port: int): ...", "Port: int", "not a name for an option"),
    "private": ("class App:\n    def __init__(self, *, _port: int): ...", "_port: int", "not a name for an option"),
}


@pytest.mark.parametrize(("source", "line", "reason"), PARAMETERS.values(), ids=PARAMETERS.keys())
def test_a_parameter_that_cannot_be_an_option_is_refused_at_its_line(
    folder: Folder, source: str, line: str, reason: str
) -> None:
    folder.app(f"{source}\n    async def run(self) -> None: ...\n").config(KEY.format(key=""))
    file = folder.path / "app.py"
    assert_blames(refusal(folder.plan), file, line_of(file, line), reason)


def test_a_devices_key_is_checked_like_every_other(folder: Folder) -> None:
    """`name="reload"` would make the option --reload-folder, which is free; `no_ipv4` nothing that is not."""
    folder.app("from fata.device import KvRo\nclass App:\n    def __init__(self, site: KvRo): ...\n" + RUN)
    folder.config("from fata.config import *\nregister('app', main('app:App', site=directory(name='reload')))\n")
    assert [each.name for each in folder.plan().keys] == ["reload-folder"]


RUN = "    async def run(self) -> None: ...\n"


@pytest.mark.parametrize(
    ("prefix", "name", "option"),
    [
        (None, "port", "port"),
        (None, "tcp_port", "tcp-port"),
        ("left", "tcp_port", "left-tcp-port"),
        ("a_b", "c", "a-b-c"),
    ],
)
def test_a_parameters_option_has_dashes_and_the_prefix(prefix: str | None, name: str, option: str) -> None:
    assert prefixed(prefix, name) == option


TWICE = {
    "two of config.py": (
        "a = key('kv', str, default='x')\nb = key('kv', str, default='y')\n"
        "register('app', main('app:Two', one=a, two=b))\n",
        "config.py",
        3,
        "here, and at /",
    ),
    "one of config.py, one of the application": (
        "\n\nregister('app', main('app:Two', one=key('two', str, default='x')))\n",
        "app.py",
        2,
        "here, and at /",
    ),
    "two jobs of one class": (
        "\n\nregister('app', main('app:Two'), main('app:Two'))\n",
        "app.py",
        2,
        "of job 1, app:Two, and of job 2, app:Two",
    ),
}
TWO = f"""class Two:
    def __init__(self, *, one: str = "1", two: str = "2") -> None: ...
{RUN}
from fata.device import KvRo
class Kv:
    def __init__(self, a: KvRo, b: KvRo) -> None: ...
{RUN}"""


@pytest.mark.parametrize(("config", "file", "line", "told"), TWICE.values(), ids=TWICE.keys())
def test_two_keys_of_one_name_are_refused_and_both_named(
    folder: Folder, config: str, file: str, line: int, told: str
) -> None:
    folder.app(TWO).config(f"from fata.config import *\n{config}")
    error = refusal(folder.plan)
    assert error.line == line, str(error)
    assert error.file == str(folder.path / file)
    assert "two keys are named" in error.reason
    assert told in error.reason
    assert "name=" in error.remedy


def test_a_name_for_each_job_keeps_their_keys_apart(folder: Folder) -> None:
    folder.app(TWO).config(
        "from fata.config import *\nregister('app', main('app:Two'), main('app:Two', 'other', one='x'))\n"
    )
    assert [each.name for each in folder.plan().keys] == ["one", "two", "other-two"]


def test_one_key_may_serve_several_parameters(folder: Folder) -> None:
    folder.app(TWO).config(
        "from fata.config import *\n"
        "one, other = key('kv', str, default='x'), key('kv', str, default='x')\n"
        "register('app', main('app:Two', one=one, two=one), main('app:Two', one=other, two='y'))\n"
    )
    assert [each.name for each in folder.plan().keys] == ["kv"]


def test_keys_are_those_of_every_branch_in_the_order_of_their_use(folder: Folder) -> None:
    folder.app(TWO).config("""
        from fata.config import *

        where = key("where", str, choices=["here", "there"], default="here")
        register(
            "app",
            main(
                "app:Kv",
                a=match(where, {"here": directory(name="here"), "there": crunch(key("pages", str, default="p"))}),
                b=if_(target.map(lambda name: name == "unix"), directory(name="b"), memory_kv()),
            ),
        )
        """)
    assert [each.name for each in folder.plan().keys] == ["where", "here-folder", "pages", "b-folder"]


COLOUR = Enumeration("app", "Colour", ("RED",))
SERVES: list[tuple[KeyType, KeyType]] = [
    (TEXT, TEXT),
    (TEXT, Maybe(TEXT)),
    (Maybe(TEXT), Maybe(TEXT)),
    (INTEGER, NUMBER),
    (INTEGER, Maybe(NUMBER)),
    (OneOf(("a", "b")), TEXT),
    (OneOf(("a",)), OneOf(("a", "b"))),
    (OneOf((1, 2)), INTEGER),
    (OneOf((1, 2)), NUMBER),
    (Many(INTEGER), Many(INTEGER)),
    (COLOUR, Maybe(COLOUR)),
]
SERVES_NOT: list[tuple[KeyType, KeyType]] = [
    (Maybe(TEXT), TEXT),
    (TEXT, OneOf(("a",))),
    (OneOf(("a", "c")), OneOf(("a", "b"))),
    (OneOf(("a", 1)), TEXT),
    (NUMBER, INTEGER),
    (BOOLEAN, INTEGER),
    (TEXT, COLOUR),
    (Many(INTEGER), Many(NUMBER)),  # a list may be written to, so it is of one type
    (INTEGER, Many(INTEGER)),
]


@pytest.mark.parametrize(("given", "wanted"), SERVES)
def test_a_key_serves_where_each_of_its_values_does(given: KeyType, wanted: KeyType) -> None:
    assert serves(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), SERVES_NOT)
def test_a_key_does_not_serve_where_one_of_its_values_would_not(given: KeyType, wanted: KeyType) -> None:
    assert not serves(given, wanted)


def test_a_call_outside_of_any_config_is_still_a_description() -> None:
    """Third parties make keys and jobs in their own modules and tests."""
    assert main("app:App", level=key("level", int)).where.file == __file__


def test_unequal_devices_do_not_share_a_key(folder: Folder) -> None:
    """MirageOS users lost a network card that way: two devices, one option, one of them gone."""
    folder.write(
        {
            "app.py": """
                from fata.device import Block
                class App:
                    def __init__(self, one: Block, other: Block): ...
                    async def run(self): ...
                """,
            "config.py": """
                from fata.config import block_file, main, register
                register("x", main("app:App", one=block_file(), other=block_file(sector_size=4096)))
                """,
        }
    )
    error = refusal(folder.plan)
    assert "two keys are named 'image'" in error.reason
    assert "name=" in error.remedy
