from fata.config import (
    block_file,
    crunch,
    directory,
    drive,
    fat_kv_ro,
    fat_of_files,
    key,
    main,
    match,
    register,
    tar_kv,
    tar_of_files,
    target,
    zip_kv,
)

kinds = ["crunch", "fat", "tar", "dir", "fat-disk", "tar-disk", "zip-disk"]
kind = key("kv", str, default="crunch", choices=kinds, doc="where the files lie", stage="configure")

# The first three are packed from pages/ when the program is built; -disk is one that is there: --image, or --drive.
disk = match(target, {"virtio": drive()}, default=block_file())
files = match(
    kind,
    {
        "crunch": crunch("pages"),
        "fat": fat_kv_ro(fat_of_files("pages")),
        "tar": tar_kv(tar_of_files("pages")),
        "dir": directory("pages", read_only=True),
        "fat-disk": fat_kv_ro(disk),
        "tar-disk": tar_kv(disk),
        "zip-disk": zip_kv(disk),
    },
)
register("kv_ro", main("app:Browse", files=files))
