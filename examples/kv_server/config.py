from fata.config import block_file, drive, generic_stack, key, main, match, ramdisk, register

kind = key("disk", str, default="ramdisk", choices=["ramdisk", "file", "drive"], doc="what the disk is made of")

# With --disk file the path is a key as well: --image. With --disk drive it is the virtual machine's: --drive.
disk = match(kind, {"ramdisk": ramdisk(32768), "file": block_file(), "drive": drive()})
register("kv-server", main("app:KvServer", disk=disk, stack=generic_stack()))
