"""The configuration language: what a config.py imports."""

from typing import TYPE_CHECKING

from fata.config.catalog.block_file import block_file
from fata.config.catalog.boot_files import boot_files
from fata.config.catalog.btree_kv import btree_kv
from fata.config.catalog.cached import cached
from fata.config.catalog.clock import clock
from fata.config.catalog.console import console
from fata.config.catalog.crunch import crunch
from fata.config.catalog.directory import directory
from fata.config.catalog.drive import drive
from fata.config.catalog.encrypted import encrypted
from fata.config.catalog.entropy import entropy
from fata.config.catalog.fat_kv import fat_kv, fat_kv_ro
from fata.config.catalog.fat_of_files import fat_of_files
from fata.config.catalog.generic_kv_ro import generic_kv_ro
from fata.config.catalog.generic_stack import direct_stack, generic_stack, virtio_stack
from fata.config.catalog.irmin_kv import irmin_kv, irmin_memory_kv
from fata.config.catalog.memory_kv import memory_kv
from fata.config.catalog.partition import partition
from fata.config.catalog.ramdisk import ramdisk
from fata.config.catalog.read_only import read_only
from fata.config.catalog.tar_kv import growing_tar, tar_kv
from fata.config.catalog.tar_of_files import tar_of_files
from fata.config.catalog.virtio_console import virtio_console
from fata.config.catalog.zip_kv import zip_kv
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
    "btree_kv",
    "cached",
    "clock",
    "console",
    "crunch",
    "device",
    "direct_stack",
    "directory",
    "drive",
    "encrypted",
    "entropy",
    "fat_kv",
    "fat_kv_ro",
    "fat_of_files",
    "generic_kv_ro",
    "generic_stack",
    "growing_tar",
    "if_",
    "irmin_kv",
    "irmin_memory_kv",
    "key",
    "main",
    "match",
    "memory_kv",
    "package",
    "partition",
    "ramdisk",
    "read_only",
    "register",
    "tar_kv",
    "tar_of_files",
    "target",
    "virtio_console",
    "virtio_stack",
    "zip_kv",
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
