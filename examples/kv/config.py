from fata.config import block_file, directory, drive, fat_kv, key, main, match, memory_kv, register, target

kinds = ["memory", "directory", "fat"]
kind = key("kv", str, default="memory", choices=kinds, doc="where the notes live", stage="configure")

# With --kv directory the folder is a key as well: --folder. With --kv fat it is a disk that `fata fat create` has made:
# --image of a process, --drive of a virtual machine.
disk = match(target, {"virtio": drive()}, default=block_file())
store = match(kind, {"memory": memory_kv(), "directory": directory(), "fat": fat_kv(disk)})
register("kv", main("app:Notes", store=store))
