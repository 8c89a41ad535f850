from fata.config import block_file, drive, key, main, match, ramdisk, register

kind = key("disk", str, default="ramdisk", choices=["ramdisk", "file", "drive"], doc="where the logbook is")

# With --disk file the path is a key as well: --image. With --disk drive it is the virtual machine's: --drive.
disk = match(kind, {"ramdisk": ramdisk(2048), "file": block_file(), "drive": drive()})
register("fat", main("app:Logbook", disk=disk))
