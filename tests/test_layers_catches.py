"""The layer test is tested: every way to reach across layers is seeded into a small tree, and each is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layers import breaches
from tests.test_layers import TABLE

BREACHES = {
    "import": ("wire/udp.py", "import fata.driver.kv", "wire/udp.py:1: wire may not import fata.driver.kv"),
    "from import": ("wire/udp.py", "from fata.driver.kv import x", "wire may not import fata.driver.kv"),
    "from the package": ("wire/udp.py", "from fata import driver", "wire may not import fata.driver"),
    "everything": ("wire/udp.py", "from fata import *", "wire may not import fata.*"),
    "second name": ("wire/udp.py", "import re, fata.stack", "wire may not import fata.stack"),
    "under another name": ("store/fat.py", "import fata.stack.tcp as t", "store may not import fata.stack.tcp"),
    "in a function": (
        "device/net.py",
        "class Net:\n    def f(self):\n        if self:\n            from fata.stack import x",
        "device/net.py:4: device may not import fata.stack",
    ),
    "under TYPE_CHECKING": (
        "store/fat.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fata.stack import Tcp",
        "store/fat.py:3: store may not import fata.stack",
    ),
    "import_module": (
        "http/server.py",
        "import importlib\nimportlib.import_module('fata.stack.tcp')",
        "http may not import fata.stack.tcp",
    ),
    "import_module by keyword": (
        "http/server.py",
        "from importlib import import_module\nimport_module(name='fata.stack.tcp')",
        "http may not import fata.stack.tcp",
    ),
    "__import__": ("http/server.py", "__import__('fata.stack')", "http may not import fata.stack"),
    "computed": ("http/server.py", "__import__('fata.' + x)", "http imports a computed module name"),
    "dotted string": (
        "config/graph.py",
        "WHERE = 'fata.driver.kv.memory:Memory'",
        "config may not name fata.driver.kv.memory in a string",
    ),
    "string in a text": ("runtime/boot.py", "x = 'python -m fata.tool.main'", "runtime may not name fata.tool.main"),
    "string with a hole": ("config/graph.py", "x = f'fata.driver.{kind}:X'", "config may not name fata.driver"),
    "a catalog reaching up": ("config/catalog/kv.py", "X = 'fata.tool.main:main'", "config/catalog may not name"),
    "a catalog importing": (
        "config/catalog/kv.py",
        "from fata.driver.kv import x",
        "config/catalog may not import fata.driver.kv",
    ),
    "relative": ("wire/udp.py", "from . import checksum", "relative import of '.'"),
    "relative, two up": ("wire/udp.py", "from ..driver import kv", "relative import of '..driver'"),
    "clock in wire": ("wire/ntp.py", "def f():\n    import time", "wire/ntp.py:2: wire may not use time"),
    "event loop in proto": ("proto/tcp/flow.py", "from asyncio import Future", "proto may not use asyncio"),
    "files in disk": ("disk/fat.py", "import os.path", "disk may not use os"),
    "chance in device": ("device/net.py", "import random", "device may not use random"),
    "third party in wire": ("wire/dns.py", "import dns.message", "wire may not use the third-party package dns"),
    "third party out of place": ("runtime/boot.py", "import h11", "runtime may not use the third-party package h11"),
    "errors importing": ("errors.py", "from fata.device import Net", "errors may not import fata.device"),
    "the package importing": ("__init__.py", "from fata.tool import main", "__init__ may not import fata.tool"),
    "an unknown folder": ("utils/x.py", "", "the layer 'utils' is not in the table"),
}

FINE = {
    "down": ("stack/tcp.py", "from fata.proto.tcp import x\nimport asyncio"),
    "itself": ("wire/udp.py", "from fata.wire import checksum\nimport struct"),
    "the package": ("wire/udp.py", "import fata\nfrom fata import __version__"),
    "a docstring": ("wire/udp.py", '"""Used by fata.stack.udp."""\ndef f():\n    """See fata.driver."""'),
    "a file's name": ("config/lock.py", "LOCK = 'fata.lock'; GROUP = 'fata.devices'; PLACE = 'src/fata.driver'"),
    "the catalog naming": ("config/catalog/kv.py", "X = 'fata.driver.kv.memory:Memory'"),
    "a target resolving": ("target/unix.py", "import importlib\nimportlib.import_module(name)"),
    "its own package": ("http/server.py", "import h11"),
    "the tool": ("tool/main.py", "import click\nfrom fata.target import unix"),
}


def seed(folder: Path, name: str, source: str) -> Path:
    """Write one module into an otherwise empty package."""
    path = folder / "fata" / name
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    return folder / "fata"


@pytest.mark.parametrize("kind", BREACHES)
def test_a_breach_is_caught(tmp_path: Path, kind: str) -> None:
    name, source, complaint = BREACHES[kind]
    (found,) = breaches(seed(tmp_path, name, source), TABLE)
    assert complaint in found


@pytest.mark.parametrize("kind", FINE)
def test_what_the_table_allows_passes(tmp_path: Path, kind: str) -> None:
    assert breaches(seed(tmp_path, *FINE[kind]), TABLE) == []
