"""Assets: files that were packed next to main.py, such as a site's pages or a table."""

from __future__ import annotations

import os
import sys

from fata.errors import DeviceError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def asset(name: str) -> memoryview:
    """Return the octets of the file `name` ("site.crunch", "data/table"), read only.

    A file on a disk is mapped: it costs no memory until it is read. One in a unikernel's image is shown where it lies,
    and one in any other zip is read. Raises `DeviceError` when there is none, `StateError` for a name that leads
    elsewhere.
    """
    return asset_beside(sys.modules["__main__"], name)


def asset_beside(module: ModuleType, name: str) -> memoryview:
    """Return the octets of the file `name` that lies where `module` was loaded from."""
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise StateError(f"asset {name!r}: names are relative, of segments joined by /, without . and ..")
    origin = getattr(module, "__file__", None)
    if origin is None:
        raise DeviceError(f"asset {name!r}: {module.__name__} was not loaded from a file, so nothing lies next to it")
    path = os.path.join(os.path.dirname(origin), *name.split("/"))
    loader: Any = module.__loader__
    try:
        return _packed(loader, path) if hasattr(loader, "archive") else _mapped(path)
    except OSError as error:
        raise DeviceError(f"asset {name!r} is not in the image ({error}): build it again") from error


def _packed(loader: Any, path: str) -> memoryview:
    view = getattr(sys.modules["zipimport"], "_view", None)  # the runtime's: kernel/program/archive.c
    if view is None:
        return memoryview(loader.get_data(path))
    try:
        entry = loader._files[path.removeprefix(f"{loader.archive}/")]
    except KeyError:
        raise FileNotFoundError(f"{path} is not in the archive") from None
    found: memoryview = view(loader.archive, entry)
    return found


def _mapped(path: str) -> memoryview:
    import mmap  # not at the top: an image's files come from its zip, and its Python has no mmap

    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:  # which cannot be mapped
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
