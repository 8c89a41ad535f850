"""A tree of files as a file system of the host, by FUSE (libfuse 3, through mfusepy)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mfusepy import FUSE, FuseOSError, Operations  # type: ignore[import-untyped]  # it brings no types

from fata.blocking import blocking
from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, KvError, NoSpace, NotFound, ValueExpected
from fata.errors import DeviceError, StateError
from fata.store.fat.volume import DirectoryNotEmpty, FileTooLarge, NameRefused
from fata.tool.mounted import Tree

CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, errno.ENOENT),
    (ValueExpected, errno.EISDIR),
    (DictionaryExpected, errno.ENOTDIR),
    (AlreadyPresent, errno.EEXIST),
    (FileTooLarge, errno.EFBIG),
    (NoSpace, errno.ENOSPC),
    (DirectoryNotEmpty, errno.ENOTEMPTY),
    (NameRefused, errno.EINVAL),
    (InvalidKey, errno.EINVAL),
    (KvError, errno.EIO),
    (DeviceError, errno.EIO),
    (StateError, errno.EIO),
)
"""What the host is told for each of our errors; the first that fits."""


@contextmanager
def told() -> Iterator[None]:
    """Turn our errors inside the block into the host's."""
    try:
        yield
    except (DeviceError, StateError) as error:
        raise FuseOSError(next(code for kind, code in CODES if isinstance(error, kind))) from error


class Mounted(Operations):  # type: ignore[misc]  # of a type that mypy does not see
    """The calls of the kernel on a tree. They come from several threads and take turns."""

    use_ns = True

    def __init__(self, tree: Tree) -> None:
        self.tree = blocking(tree)
        self._read_only = tree.read_only
        self._files: Any = None if tree.read_only else self.tree.files
        self._owner = {"st_uid": os.getuid(), "st_gid": os.getgid()}

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        with told():
            entry = self.tree.entry(_key(path))
        mode = stat.S_IFDIR | 0o755 if entry.directory else stat.S_IFREG | 0o644
        modified = int((entry.modified or 0) * 1_000_000_000)
        times = dict.fromkeys(("st_mtime", "st_ctime", "st_atime"), modified)
        links = 2 if entry.directory else 1
        return {"st_mode": mode, "st_nlink": links, "st_size": entry.size, **times, **self._owner}

    def readdir(self, path: str, fh: int) -> list[str]:
        with told():
            return [".", "..", *self.tree.names(_key(path))]

    def open(self, path: str, flags: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._writable()
        with told():
            self.tree.entry(_key(path))
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        with told():
            data: bytes = self.tree.read(_key(path), offset, size)
            return data

    def create(self, path: str, mode: int, fi: object = None) -> int:
        with told():
            self._writable().store(_key(path), b"")
        return 0

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        with told():
            self._writable().write(_key(path), offset, data)
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        with told():
            self._writable().truncate(_key(path), length)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        with told():
            self._writable().mkdir(_key(path))
        return 0

    def rmdir(self, path: str) -> int:
        with told():
            self._writable().rmdir(_key(path))
        return 0

    def unlink(self, path: str) -> int:
        with told():
            self._writable().remove(_key(path))
        return 0

    def rename(self, old: str, new: str) -> int:
        with told():
            self._writable().rename(_key(old), _key(new))
        return 0

    def utimens(self, path: str, times: object = None) -> int:
        self._writable()  # a change dates the file by itself; a date of one's own is not kept
        return 0

    def chmod(self, path: str, mode: int) -> int:
        self._writable()  # there is nothing to keep it in
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        self._writable()
        return 0

    def flush(self, path: str, fh: int) -> int:
        with told():
            self.tree.closed(_key(path))
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        if not self._read_only:
            with told():
                self._writable().flush()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        return self.fsync(path, datasync, fh)

    def statfs(self, path: str) -> dict[str, int]:
        room = self.tree.room()
        sizes = {"f_bsize": room.unit, "f_frsize": room.unit, "f_blocks": room.all}
        return {**sizes, "f_bfree": room.free, "f_bavail": room.free, "f_namemax": 255}

    def destroy(self, path: str) -> None:
        self.tree.close()

    def _writable(self) -> Any:
        """Return the FileSystem, its methods without `await`; EROFS if nothing may be changed."""
        if self._read_only or self._files is None:
            raise FuseOSError(errno.EROFS)
        return self._files


def _key(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise FuseOSError(errno.EILSEQ) from None
    return path.strip("/")


def serve(tree: Tree, image: Path, folder: Path) -> None:
    """Mount a tree at a folder, and serve it until it is unmounted or interrupted. Raises RuntimeError."""
    FUSE(
        Mounted(tree), str(folder), foreground=True, nothreads=True, ro=tree.read_only,
        fsname=str(image.resolve()).replace(",", "_"), subtype="fata", default_permissions=True,
    )  # fmt: skip
