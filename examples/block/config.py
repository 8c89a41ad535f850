from fata.config import block_file, drive, key, main, match, ramdisk, register

kind = key(
    "disk", str, default="ramdisk", choices=["ramdisk", "read-only", "file", "drive"], doc="what the disk is made of"
)
sectors = key("sectors", int, default=64, doc="size of a RAM disk, in sectors of 512 octets")

# With --disk file the path is a key as well: --image. With --disk drive it is the virtual machine's: --drive.
disk = match(
    kind,
    {
        "ramdisk": ramdisk(sectors),
        "read-only": ramdisk(sectors, read_only=True),
        "file": block_file(),
        "drive": drive(),
    },
)
register("block", main("app:DiskCheck", disk=disk))
