from fata.config import block_file, btree_kv, drive, key, main, match, ramdisk, register

kind = key("disk", str, default="ramdisk", choices=["ramdisk", "file", "drive"], doc="what the disk is made of")

# With --disk file the path is a key as well: --image. With --disk drive it is the virtual machine's: --drive.
disk = match(kind, {"ramdisk": ramdisk(2048), "file": block_file(), "drive": drive()})
register("counter", main("app:Counter", store=btree_kv(disk)))
