from fata.config import block_file, drive, main, match, register, target

disk = match(target, {"virtio": drive()}, default=block_file())
register("disk-lottery", main("app:Lottery", disk=disk))
