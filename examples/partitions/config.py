from fata.config import block_file, drive, main, match, partition, register, target

# A disk that has been divided: fata disk partition disk.img 1M 1M --size 16M
disk = match(target, {"virtio": drive()}, default=block_file())
register("partitions", main("app:Partitions", first=partition(disk, 1), second=partition(disk, 2)))
