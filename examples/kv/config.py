from fata.config import directory, key, main, match, memory_kv, register

kind = key("kv", str, default="memory", choices=["memory", "directory"], doc="where the notes live", stage="configure")

# With --kv directory the folder is a key as well: --folder.
register("kv", main("app:Notes", store=match(kind, {"memory": memory_kv(), "directory": directory()})))
