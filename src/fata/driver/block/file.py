"""A disk in a file or block device of the host, with writes that `flush` makes durable."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from fata.driver.block.geometry import Geometry, Shaped, check_sector_size, octets_of
from fata.driver.block.hole import punch
from fata.errors import ConfigError, DeviceError, StateError, Unavailable


class FileBlock(Shaped):
    """A Block over an open file. Made by `open_file_block`.

    Calls go straight to the kernel and never suspend: an image lies in the page cache, where a thread
    switch would cost more than the copy. `flush` does wait for the medium.
    """

    def __init__(self, descriptor: int, path: str, geometry: Geometry) -> None:
        self._descriptor = descriptor  # owned; -1 once closed
        self._path = path
        self._geometry = geometry
        self._lost: OSError | None = None
        self._punches = True

    async def read(self, sector: int, count: int) -> bytes:
        self._check_open()
        start, end = self._geometry.span(sector, count)
        data = self._read_once(start, end)
        if len(data) == end - start:
            return data
        pieces = [data]  # a signal, or the kernel's limit of 2 GiB a call
        while (start := start + len(pieces[-1])) < end:
            pieces.append(self._read_once(start, end))
        return b"".join(pieces)

    def _read_once(self, start: int, end: int) -> bytes:
        try:
            data = os.pread(self._descriptor, end - start, start)
        except OSError as error:
            raise self._failure("read", start, error) from error
        if not data and start < end:
            raise DeviceError(f"{self._path}: ends at octet {start}; it has become shorter since it was opened")
        return data

    async def write(self, sector: int, data: bytes | bytearray | memoryview) -> None:
        self._check_open()
        view = octets_of(data)
        start, end = self._geometry.writable_span(sector, len(view))
        position = start
        while position < end:
            try:
                position += os.pwrite(self._descriptor, view[position - start :], position)
            except OSError as error:
                raise self._failure("write", position, error) from error

    async def flush(self) -> None:
        """Wait until the medium has everything. After one failure every later call fails too.

        The kernel forgets which pages it could not write and reports them only once, so a second fsync
        that succeeds says nothing about them: after the first failure the promise cannot be kept any more.
        """
        self._check_open()
        if self.read_only:
            return
        if self._lost is None:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._lost = error
        if self._lost is not None:
            raise DeviceError(
                f"{self._path}: flush failed, unflushed writes may be lost: {self._lost.strerror}; check the medium "
                "and open the disk again"
            ) from self._lost

    async def discard(self, sector: int, count: int) -> None:
        self._check_open()
        start, end = self._geometry.writable_span(sector, count * self.sector_size)
        if self._punches and start < end:
            try:
                self._punches = punch(self._descriptor, start, end - start)
            except OSError as error:
                raise self._failure("discard", start, error) from error

    async def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError as error:
                raise DeviceError(f"{self._path}: close failed: {error.strerror}") from error

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise StateError(f"{self._path}: the disk is closed")

    def _failure(self, verb: str, position: int, error: OSError) -> DeviceError:
        return DeviceError(f"{self._path}: {verb} failed at octet {position}: {error.strerror}")


async def open_file_block(
    path: str, sector_size: int = 512, read_only: bool = False, *, create_sectors: int = 0
) -> FileBlock:
    """Open a disk image or a block device; nobody else may open it for writing meanwhile.

    The lock is advisory (`flock`): one writer or many readers. With `create_sectors` a file that is
    missing or empty is made that large, in zeros. Raises Unavailable, which names the path and the remedy.
    """
    check_sector_size(sector_size)
    if create_sectors < 0 or (create_sectors and read_only):
        raise ConfigError(f"{path}: cannot create {create_sectors} sectors", remedy="Create a disk that is writable.")
    descriptor, created = _open(path, read_only, bool(create_sectors))
    try:
        _lock(descriptor, path, read_only)
        octets = _measure(descriptor, path)
        if octets == 0 and create_sectors:
            octets = _grow(descriptor, path, create_sectors * sector_size, created)
        if octets % sector_size:
            raise Unavailable(
                f"{path}: {octets} octets are no whole number of {sector_size}-octet sectors",
                f"Make it {-(-octets // sector_size) * sector_size} octets, or choose another sector size.",
            )
        return FileBlock(descriptor, path, Geometry(octets // sector_size, sector_size, read_only))
    except BaseException:
        os.close(descriptor)
        raise


def _open(path: str, read_only: bool, create: bool) -> tuple[int, bool]:
    """Return a descriptor, and whether the file is new."""
    flags = (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not hang the open
    try:
        if create:
            try:
                return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
            except FileExistsError:
                pass
        if not read_only and stat.S_ISBLK(os.stat(path).st_mode):
            flags |= os.O_EXCL  # Linux: refuses a device that is mounted
        return os.open(path, flags), False
    except ValueError as error:
        raise Unavailable(f"{path!r}: no path: {error}") from error
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}", _remedy(error, path, read_only)) from error


def _remedy(error: OSError, path: str, read_only: bool) -> str:
    if error.errno == errno.ENOENT:
        return f"Create it, for instance with `truncate -s 64M {path}`."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        wanted = "read" if read_only else "read and write"
        return f"Give this user the right to {wanted} it" + ("." if read_only else ", or open it read-only.")
    if error.errno == errno.EBUSY:
        return "It is mounted or in use: unmount it first."
    return "Name a disk image or a block device."


def _lock(descriptor: int, path: str, read_only: bool) -> None:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Unavailable(f"{path}: another program has it open", "Stop that one, or use a copy.") from error
    except OSError as error:
        raise Unavailable(f"{path}: cannot be locked: {error.strerror}", "Move it to a local file system.") from error


def _measure(descriptor: int, path: str) -> int:
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        raise Unavailable(f"{path}: neither a file nor a block device", "Name a disk image or a block device.")
    return os.lseek(descriptor, 0, os.SEEK_END)  # st_size is 0 for a block device


def _grow(descriptor: int, path: str, octets: int, created: bool) -> int:
    """Give a new disk its size, durably; leave nothing behind on failure."""
    try:
        os.ftruncate(descriptor, octets)
        os.fsync(descriptor)
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # or a power cut may take the file's name
        finally:
            os.close(folder)
    except (OSError, OverflowError) as error:
        if created:
            os.unlink(path)
        else:
            os.ftruncate(descriptor, 0)
        reason = error.strerror if isinstance(error, OSError) else "too large"
        raise Unavailable(f"{path}: cannot be made {octets} octets large: {reason}", "Free space first.") from error
    return octets
