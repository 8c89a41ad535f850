"""What a program may do below /tmp, and how it waits; prints "ok". The same on the kernel and on Linux."""

import errno
import os
import select
import signal
import tempfile
import time
from collections.abc import Callable

HOME = tempfile.mkdtemp(dir="/tmp")


def refused(number: int, call: Callable[..., object], *arguments: object) -> None:
    """Check that a call fails with this errno."""
    answer: int | None = 0
    try:
        call(*arguments)
    except OSError as error:
        answer = error.errno
    assert answer == number, (call, arguments, answer)


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def check_links() -> None:
    write("file", "text")
    os.mkdir("folder")
    os.symlink("../file", "folder/link")
    os.symlink("folder", "way")
    assert read("way/link") == read("way/../file") == "text"
    assert os.readlink("way/link") == "../file"
    assert os.path.realpath("way/link") == os.path.join(os.getcwd(), "file")
    assert os.path.islink("way")
    assert not os.path.islink("way/")
    assert os.lstat("way").st_size == len("folder")
    os.symlink("nowhere", "dangling")
    refused(errno.ENOENT, open, "dangling")
    refused(errno.EEXIST, os.mkdir, "dangling")
    refused(errno.EEXIST, os.open, "dangling", os.O_CREAT | os.O_EXCL)
    write("dangling", "made")  # where it leads
    assert read("nowhere") == "made"
    refused(errno.ELOOP, os.open, "way", os.O_NOFOLLOW)
    os.unlink("way")
    assert os.path.isdir("folder")


def check_loops() -> None:
    os.symlink("loop", "loop")
    refused(errno.ELOOP, os.stat, "loop/x")
    os.mkdir("l0")
    for n in range(40):  # each is twice the one before: 2 ** 40 steps unless they are counted
        os.symlink(f"l{n}/../l{n}", f"l{n + 1}")
    refused(errno.ELOOP, os.stat, "l40/file")


def check_moving() -> None:
    os.makedirs("tree/a/b")
    write("tree/a/b/leaf", "leaf")
    os.rename("tree", "moved")
    assert read("moved/a/b/leaf") == "leaf"
    assert not os.path.exists("tree")
    refused(errno.EINVAL, os.rename, "moved", "moved/a/inside")
    refused(errno.ENOTEMPTY, os.rmdir, "moved")
    os.mkdir("empty")
    os.rename("moved", "empty")
    assert sorted(os.listdir("empty/a")) == ["b"]
    refused(errno.ENOTDIR, os.stat, "empty/a/b/leaf/further")
    refused(errno.EISDIR, os.open, "new/", os.O_CREAT | os.O_WRONLY)
    long = "n" * 200
    os.mkdir(long)
    refused(errno.ENAMETOOLONG, os.mkdir, "/".join([long] * 30))


def check_attributes() -> None:
    write("file", "")
    assert os.umask(0o027) == 0o022
    os.close(os.open("masked", os.O_CREAT | os.O_WRONLY, 0o666))
    assert os.stat("masked").st_mode & 0o7777 == 0o640
    os.umask(0o022)
    os.chmod("file", 0o4711)
    assert os.stat("file").st_mode & 0o7777 == 0o4711
    os.utime("file", ns=(-1_500_000_000, 2_000_000_001))
    found = os.stat("file")
    assert (found.st_atime_ns, found.st_mtime_ns) == (-1_500_000_000, 2_000_000_001)
    refused(errno.ENOENT, os.utime, "not there")
    os.utime(".", (1, 1))
    write("further", "")
    assert os.stat(".").st_mtime > 1e9  # the importer looks there for news
    assert os.statvfs(".").f_bfree > 0


def check_select() -> None:
    reader, writer = os.pipe()
    assert select.select([reader], [writer], [], 0) == ([], [writer], [])
    began = time.monotonic()
    assert select.select([reader], [], [], 0.05) == ([], [], [])
    assert time.monotonic() - began >= 0.05
    os.write(writer, b"x")
    assert select.select([reader], [], [reader]) == ([reader], [], [])
    os.close(reader)
    refused(errno.EBADF, select.select, [reader], [], [], 0)


def check_alarm() -> None:
    rang: list[float] = []
    signal.signal(signal.SIGALRM, lambda _number, _frame: rang.append(time.monotonic()))
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.02)
    while len(rang) < 3:
        signal.pause()
    assert rang[0] - began >= 0.05
    assert rang[2] - began >= 0.09
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    assert 0 < left <= 0.02
    assert 0.019 < interval < 0.021
    assert signal.alarm(100) == 0
    assert signal.alarm(0) == 100
    count = len(rang)
    time.sleep(0.05)
    assert len(rang) == count


for check in (check_links, check_loops, check_moving, check_attributes, check_select, check_alarm):
    os.mkdir(os.path.join(HOME, check.__name__))
    os.chdir(os.path.join(HOME, check.__name__))
    check()
print("ok")
