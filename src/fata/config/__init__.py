"""The configuration language: what a config.py imports."""

from typing import TYPE_CHECKING

from fata.config.catalog.block_file import block_file
from fata.config.catalog.boot_files import boot_files
from fata.config.catalog.clock import clock
from fata.config.catalog.console import console
from fata.config.catalog.crunch import crunch
from fata.config.catalog.directory import directory
from fata.config.catalog.drive import drive
from fata.config.catalog.entropy import entropy
from fata.config.catalog.generic_kv_ro import generic_kv_ro
from fata.config.catalog.generic_stack import direct_stack, generic_stack, virtio_stack
from fata.config.catalog.memory_kv import memory_kv
from fata.config.catalog.ramdisk import ramdisk
from fata.config.catalog.virtio_console import virtio_console
from fata.config.impl import Device, Entry, Impl, device, if_, match
from fata.config.keys import Key, Target, key
from fata.config.offer import Offer
from fata.config.registry import Job, main, package, register

target = Target()

__all__ = [
    "Device",
    "Entry",
    "Impl",
    "Job",
    "Key",
    "Offer",
    "block_file",
    "boot_files",
    "clock",
    "console",
    "crunch",
    "device",
    "direct_stack",
    "directory",
    "drive",
    "entropy",
    "generic_kv_ro",
    "generic_stack",
    "if_",
    "key",
    "main",
    "match",
    "memory_kv",
    "package",
    "ramdisk",
    "register",
    "target",
    "virtio_console",
    "virtio_stack",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Refuse a device that does not exist, at the line of config.py that names it."""
        if name.startswith("__"):
            raise AttributeError(name)
        from fata.config.nearest import nearest
        from fata.errors import ConfigError

        near = nearest(name, __all__)
        raise ConfigError(
            f"unknown device {name!r}",
            remedy=f"Did you mean {near!r}?" if near else "`fata help devices` lists them.",
        )
