"""Every way to write the annotation of a device, and every way that is refused."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from fata.config.signature import DeviceParameter
from tests.config.conftest import Folder, assert_blames, line_of, refusal

KV_RO = "fata.device.kv.KvRo"


class Form(NamedTuple):
    """What stands at the top of app.py, how the device is annotated, and whether None will do."""

    top: str
    annotation: str
    optional: bool = False


FORMS = {
    "from package": Form("from fata.device import KvRo", "KvRo"),
    "from defining module": Form("from fata.device.kv import KvRo", "KvRo"),
    "renamed": Form("from fata.device import KvRo as K", "K"),
    "module": Form("import fata.device", "fata.device.KvRo"),
    "module twice": Form("import fata.device\nimport fata.errors", "fata.device.KvRo"),
    "submodule": Form("import fata.device.kv", "fata.device.kv.KvRo"),
    "module renamed": Form("import fata.device as d", "d.KvRo"),
    "submodule renamed": Form("import fata.device.kv as kv", "kv.KvRo"),
    "module from package": Form("from fata import device", "device.KvRo"),
    "module from package renamed": Form("from fata import device as d", "d.kv.KvRo"),
    "several names": Form("from fata.device import (\n    Console,\n    KvRo,\n)", "KvRo"),
    "star": Form("from fata.device import *", "KvRo"),
    "last import wins": Form("from fata.device import KvRw as K\nfrom fata.device import KvRo as K", "K"),
    "alias": Form("from fata.device import KvRo\nSite = KvRo", "Site"),
    "alias of attribute": Form("import fata.device as d\nSite = d.KvRo", "Site"),
    "alias of a module": Form("import fata.device\nd = fata.device", "d.KvRo"),
    "annotated alias": Form(
        "from typing import TypeAlias\nfrom fata.device import KvRo\nSite: TypeAlias = KvRo", "Site"
    ),
    "alias of alias": Form("from fata.device import KvRo\nA = KvRo\nB = A", "B"),
    "alias of optional": Form("from fata.device import KvRo\nSite = KvRo | None", "Site", True),
    "TYPE_CHECKING": Form(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fata.device import KvRo", "'KvRo'"
    ),
    "TYPE_CHECKING with another life": Form(
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from fata.device import KvRo\nelse:\n    KvRo = object", "KvRo"
    ),
    "typing.TYPE_CHECKING": Form("import typing\nif typing.TYPE_CHECKING:\n    from fata.device import KvRo", "'KvRo'"),
    "not TYPE_CHECKING": Form(
        "from typing import TYPE_CHECKING\n"
        "if not TYPE_CHECKING:\n    KvRo = object\nelse:\n    from fata.device import KvRo",
        "KvRo",
    ),
    "try": Form("try:\n    from fata.device import KvRo\nexcept ImportError:\n    KvRo = None", "KvRo"),
    "try's else": Form(
        "try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    from fata.device import KvRo", "KvRo"
    ),
    "with": Form(
        "from contextlib import suppress\nwith suppress(ImportError):\n    from fata.device import KvRo", "KvRo"
    ),
    "string": Form("from fata.device import KvRo", "'KvRo'"),
    "string of attribute": Form("import fata.device as d", "'d.KvRo'"),
    "string in string": Form("from fata.device import KvRo", "\"'KvRo'\""),
    "string of union": Form("from fata.device import KvRo", "'KvRo | None'", True),
    "string in parentheses over lines": Form("from fata.device import KvRo", "'''(\n    KvRo\n)'''"),
    "or None": Form("from fata.device import KvRo", "KvRo | None", True),
    "None or": Form("from fata.device import KvRo", "None | KvRo", True),
    "string or None": Form("from fata.device import KvRo", "'KvRo' | None", True),
    "Optional": Form("from typing import Optional\nfrom fata.device import KvRo", "Optional[KvRo]", True),
    "typing.Optional": Form("import typing as t\nfrom fata.device import KvRo", "t.Optional[KvRo]", True),
    "Optional of string": Form("from typing import Optional\nfrom fata.device import KvRo", "Optional['KvRo']", True),
    "Union": Form("from typing import Union\nfrom fata.device import KvRo", "Union[KvRo, None]", True),
    "Union, None first": Form("from typing import Union\nfrom fata.device import KvRo", "Union[None, KvRo]", True),
    "Union of one": Form("from typing import Union\nfrom fata.device import KvRo", "Union[KvRo]"),
    "Optional of optional": Form(
        "from typing import Optional\nfrom fata.device import KvRo", "Optional[Optional[KvRo]]", True
    ),
    "Annotated": Form(
        "from typing import Annotated\nfrom fata.device import KvRo", "Annotated[KvRo, 'pages', len('x')]"
    ),
    "Annotated of optional": Form(
        "from typing import Annotated\nfrom fata.device import KvRo", "Annotated[KvRo | None, 'pages']", True
    ),
    "Annotated or None": Form(
        "from typing import Annotated\nfrom fata.device import KvRo", "Annotated[KvRo, 'pages'] | None", True
    ),
    "Annotated of string": Form(
        "from typing import Annotated\nfrom fata.device import KvRo", "Annotated['KvRo', 'pages']"
    ),
    "typing_extensions": Form(
        "from typing_extensions import Annotated\nfrom fata.device import KvRo", "Annotated[KvRo, 'pages']"
    ),
    "Optional renamed": Form("from typing import Optional as O\nfrom fata.device import KvRo", "O[KvRo]", True),
}


def application(form: Form) -> str:
    return f"""{form.top}


class App:
    def __init__(self, site: {form.annotation}) -> None: ...

    async def run(self) -> None: ...
"""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_device_is_recognized_however_it_is_written(folder: Folder, form: Form) -> None:
    (site,) = folder.app(application(form)).signature().parameters
    assert isinstance(site, DeviceParameter)
    assert (site.name, site.contract, site.optional) == ("site", KV_RO, form.optional)
    assert site.where == (str(folder.path / "app.py"), line_of(folder.path / "app.py", "def __init__"))


REEXPORTS = {
    "own module": {"kinds.py": "from fata.device import KvRo"},
    "own module, renamed": {"kinds.py": "from fata.device import KvRw, KvRo as KvRo"},
    "own module's alias": {"kinds.py": "import fata.device\nKvRo = fata.device.KvRo"},
    "own module's star": {"kinds.py": "from fata.device import *"},
    "own module under TYPE_CHECKING": {
        "kinds.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fata.device import KvRo"
    },
    "own module in try": {"kinds.py": "try:\n    from fata.device import KvRo\nexcept ImportError:\n    KvRo = None"},
    "package": {"kinds/__init__.py": "from fata.device import KvRo"},
    "package, relative": {
        "kinds/__init__.py": "from .stores import KvRo",
        "kinds/stores.py": "from fata.device import KvRo",
    },
    "package, relative star": {
        "kinds/__init__.py": "from .stores import *",
        "kinds/stores.py": "from fata.device import KvRo",
    },
    "package, from its sibling": {
        "kinds/__init__.py": "from . import stores\nKvRo = stores.KvRo",
        "kinds/stores.py": "from fata.device import KvRo",
    },
    "package, up and down": {
        "kinds/__init__.py": "from .deep.inner import KvRo",
        "kinds/deep/__init__.py": "",
        "kinds/deep/inner.py": "from ..stores import KvRo",
        "kinds/stores.py": "from fata.device.kv import KvRo",
    },
}


@pytest.mark.parametrize("files", REEXPORTS.values(), ids=REEXPORTS.keys())
@pytest.mark.parametrize("top", ["from kinds import KvRo", "from kinds import *", "import kinds\nKvRo = kinds.KvRo"])
def test_a_reexport_is_followed_to_the_definition(folder: Folder, files: dict[str, str], top: str) -> None:
    (site,) = folder.write(files).app(application(Form(top, "KvRo"))).signature().parameters
    assert isinstance(site, DeviceParameter)
    assert site.contract == KV_RO


def test_an_alias_for_an_optional_device_may_stand_in_another_module(folder: Folder) -> None:
    folder.write({"kinds.py": "from typing import Optional\nfrom fata.device import KvRo\nSite = Optional[KvRo]\n"})
    (site,) = folder.app(application(Form("from kinds import Site", "Site"))).signature().parameters
    assert isinstance(site, DeviceParameter)
    assert (site.contract, site.optional) == (KV_RO, True)


def test_a_contract_of_ones_own_keeps_the_name_of_its_definition(folder: Folder) -> None:
    folder.write({"kinds/__init__.py": "from .queues import Queue as Line", "kinds/queues.py": "class Queue: ..."})
    (site,) = folder.app(application(Form("from kinds import Line", "Line"))).signature().parameters
    assert isinstance(site, DeviceParameter)
    assert site.contract == "kinds.queues.Queue"


def test_a_contract_whose_source_is_not_at_hand_keeps_the_name_it_is_imported_by(folder: Folder) -> None:
    (site,) = folder.app(application(Form("from elsewhere import Queue", "Queue"))).signature().parameters
    assert isinstance(site, DeviceParameter)
    assert site.contract == "elsewhere.Queue"


LAZY = "__all__ = ['Queue']\ndef __getattr__(name): ...\n"


@pytest.mark.parametrize(
    "kinds", [LAZY, LAZY.replace("['Queue']", "sorted(x)"), "def __getattr__(name): ...\n", "from elsewhere import *\n"]
)
def test_a_contract_that_only_running_would_find_is_believed(folder: Folder, kinds: str) -> None:
    folder.write({"kinds.py": kinds}).app(application(Form("from kinds import Queue", "Queue")))
    (site,) = folder.signature().parameters
    assert isinstance(site, DeviceParameter)
    assert site.contract == "kinds.Queue"


def test_a_lazy_module_that_lists_its_names_has_no_others(folder: Folder) -> None:
    folder.write({"kinds.py": LAZY}).app(application(Form("from kinds import Quue", "Quue")))
    assert "kinds does not define it" in refusal(folder.signature).reason


def test_none_is_the_one_default_that_a_device_may_have(folder: Folder) -> None:
    (site,) = folder.app(application(Form("from fata.device import KvRo", "KvRo | None = None"))).signature().parameters
    assert isinstance(site, DeviceParameter)
    assert site.optional


REFUSED = {
    "another default": (Form("from fata.device import KvRo\nSITE = 1", "KvRo | None = SITE"), ["`site`", "default"]),
    "a text, where a device stands": (Form("", "str"), ["`str` is no device", "`*`"]),
    "optional text": (Form("", "int | None"), ["is no device", "`*`"]),
    "a list of devices": (Form("from fata.device import KvRo", "list[KvRo]"), ["`list[KvRo]` is no device"]),
    "a dictionary": (Form("", "dict"), ["`dict` is no device"]),
    "two contracts": (
        Form("from fata.device import KvRo, Block", "KvRo | Block"),
        ["`KvRo | Block`", "more than one alternative"],
    ),
    "two contracts or None": (
        Form("from typing import Union\nfrom fata.device import KvRo, Block", "Union[KvRo, Block, None]"),
        ["more than one alternative"],
    ),
    "None alone": (Form("", "None"), ["`None` is nothing but None"]),
    "a call": (Form("from typing import NewType", "NewType('Site', str)"), ["is no device", "Annotated"]),
    "a lambda": (Form("", "(lambda: 1)"), ["is no device"]),
    "a number": (Form("", "3"), ["is no device"]),
    "another subscript": (Form("from fata.device import KvRo", "type[KvRo]"), ["`type[KvRo]` is no device"]),
    "a string that is no expression": (Form("", "'KvRo |'"), ["is not an expression", "in quotes"]),
    "a string with a statement": (Form("", "'import os'"), ["is not an expression"]),
    "a function": (Form("def KvRo(): ...", "KvRo"), ["`KvRo` is no device"]),
    "a name bound to nothing": (Form("from fata.device import KvRo", "KvRoo"), ["`KvRoo`", "Did you mean 'KvRo'?"]),
    "a name its module does not have": (
        Form("from fata.device import Consol", "Consol"),
        ["`Consol`", "fata.device does not define it", "Did you mean 'Console'?"],
    ),
    "an attribute its module does not have": (
        Form("import fata.device as d", "d.Consol"),
        ["`d.Consol`", "Did you mean 'Console'?"],
    ),
    "an alias of itself": (Form("Site = Site", "Site"), ["`Site` is no device"]),
    "aliases in a circle": (Form("A = B\nB = A", "A"), ["`A` is no device"]),
}


@pytest.mark.parametrize(("form", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_device_is_refused_where_it_stands(folder: Folder, form: Form, parts: list[str]) -> None:
    error = refusal(lambda: folder.app(application(form)).signature())
    file = folder.path / "app.py"
    assert_blames(error, file, line_of(file, "def __init__"), *parts)


def test_a_string_over_lines_is_blamed_where_it_begins(folder: Folder) -> None:
    folder.app("""
        class App:
            def __init__(
                self,
                site: "KvRo +",
            ) -> None: ...

            async def run(self) -> None: ...
        """)
    assert_blames(refusal(folder.signature), folder.path / "app.py", 4, "is not an expression")
