"""The devices of config.py, one file each. The dotted names in them are resolved by `fata.target`."""

from fata.config.catalog import (
    block_file,
    boot_files,
    clock,
    console,
    crunch,
    directory,
    drive,
    entropy,
    generic_kv_ro,
    generic_stack,
    memory_kv,
    ramdisk,
    virtio_console,
)

OFFERS = (
    console.OFFER,
    clock.OFFER,
    entropy.OFFER,
    boot_files.OFFER,
    boot_files.MACHINE_OFFER,
    generic_stack.OFFER,
    generic_stack.DIRECT_OFFER,
    generic_stack.VIRTIO_OFFER,
    generic_kv_ro.OFFER,
    crunch.OFFER,
    directory.OFFER,
    memory_kv.OFFER,
    block_file.OFFER,
    drive.OFFER,
    ramdisk.OFFER,
    virtio_console.OFFER,
)
