"""Run CPython's own tests, one module after another; each result is a record on standard output.

`image.py` packs this for the kernel; `survey.py` runs the same on Linux. Records are JSON text
sequences (RFC 7464: the octet RS, one JSON object, LF), each written at once, so what the tests print beside them does
no harm. They are described in `records.py`.

The switches that CPython has for platforms without processes or sockets are set by trying: what this system can do is
not skipped.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import shutil
import sys
import time
import traceback
import unittest
import zipfile
from types import TracebackType
from typing import Any

TREE = "/tmp/lib"  # where the tests are unpacked: many look for their data beside themselves
WORK = "/tmp/work"  # the current folder, empty before each module
PACKED = "tree/"  # what lies under this in the image is unpacked
TEXT_MAX = 4000  # characters of a traceback; its end says most
Trouble = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

console = os.dup(1)  # tests exchange sys.stdout


def tell(**record: object) -> None:
    """Write one record."""
    left = b"\x1e" + json.dumps(record).encode() + b"\n"
    while left:
        left = left[os.write(console, left) :]


class Report(unittest.TestResult):
    """Tells each test's outcome when it has ended; what fails outside of tests, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.running: unittest.TestCase | None = None
        self.outcome, self.text = "passed", ""

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  # unittest's name, here and below
        super().startTest(test)
        self.running, self.outcome, self.text = test, "passed", ""

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().stopTest(test)
        tell(test=test.id(), outcome=self.outcome, text=self.text)
        self.running = None

    def note(self, test: object, outcome: str, text: str) -> None:
        """Keep the first outcome that is not good; a subtest's is its test's."""
        if self.running is None:  # setUpClass, setUpModule and their like
            tell(test=test.id() if isinstance(test, unittest.TestCase) else str(test), outcome=outcome, text=text)
        elif self.outcome != "failed":
            self.outcome, self.text = outcome, text

    def addError(self, test: unittest.TestCase, err: Trouble) -> None:  # noqa: N802
        self.note(test, "failed", told(err[1]))

    def addFailure(self, test: unittest.TestCase, err: Trouble) -> None:  # noqa: N802
        self.note(test, "failed", told(err[1]))

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: Trouble | None
    ) -> None:
        if err is not None:
            self.note(test, "failed", f"{subtest.id()}\n{told(err[1])}")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        self.note(test, "skipped", reason)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self.note(test, "failed", "it was expected to fail, and passed")


def told(error: BaseException | None) -> str:
    """Return the end of a traceback."""
    return "" if error is None else "".join(traceback.format_exception(error))[-TEXT_MAX:]


# ---- setting up


def unpack(archive: str) -> None:
    """Unpack the tests with their data; the folders for that, since zipfile would make them with modes."""
    with zipfile.ZipFile(archive) as image:
        for name in image.namelist():
            if name.startswith(PACKED):
                target = os.path.join(TREE, name.removeprefix(PACKED))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    file.write(image.read(name))


def can(try_it: Any) -> bool:
    """Whether the system does not refuse."""
    try:
        try_it()
    except (OSError, AttributeError):
        return False
    return True


def a_process() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def a_socket() -> None:
    importlib.import_module("socket").socket().close()


def switched(processes: bool, sockets: bool) -> Any:
    """Return test.support, told what there is, as regrtest tells it on a platform that lacks it."""
    support: Any = importlib.import_module("test.support")
    support.has_fork_support = support.has_subprocess_support = processes
    support.has_socket_support = sockets
    support.use_resources = []  # none of the costly ones: regrtest's own default
    support._run_suite = run_suite
    return support


# ---- running


def run_suite(suite: unittest.TestSuite) -> None:
    """Run tests as test.support would, but report in our way."""
    suite.run(Report())


def run_module(name: str, support: Any) -> None:
    """Run the tests of one module of the package `test`."""
    tell(begins=name)
    began = time.perf_counter()
    try:
        module = importlib.import_module(f"test.{name}")
        if hasattr(module, "test_main"):
            module.test_main()
        else:
            support.run_unittest(unittest.defaultTestLoader.loadTestsFromModule(module))
    except unittest.SkipTest as reason:
        tell(test=f"test.{name}", outcome="skipped", text=str(reason))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a test module does is its result
        tell(test=f"test.{name}", outcome="failed", text=told(error))
    tell(ends=name, seconds=round(time.perf_counter() - began, 3))


def clean(support: Any) -> None:
    """Leave nothing of one module to the next."""
    os.chdir("/")
    shutil.rmtree(WORK, ignore_errors=True)
    os.mkdir(WORK)
    os.chdir(WORK)
    support.gc_collect()


def main(words: list[str]) -> None:
    """Run the modules that `words` name; the first word is the limit of each in seconds."""
    limit, *names = words
    unpack(sys.path[0])
    sys.path.insert(0, TREE)
    unittest.__path__.append(f"{TREE}/unittest")  # where unittest.test is, if it is asked for
    os.mkdir(WORK)
    support = switched(can(a_process), can(a_socket))
    for name in names:
        clean(support)
        faulthandler.dump_traceback_later(float(limit), exit=True)
        with contextlib.redirect_stdout(sys.stdout):
            run_module(name, support)
    faulthandler.cancel_dump_traceback_later()
    os._exit(0)  # threads and handlers that tests leave behind must not decide the status
