from fata.config import (
    crunch,
    directory,
    fat_kv_ro,
    fat_of_files,
    generic_stack,
    key,
    main,
    match,
    register,
    tar_kv,
    tar_of_files,
)

kinds = ["crunch", "fat", "tar", "dir"]
kind = key("site-kv", str, default="crunch", choices=kinds, doc="where the site lies", stage="configure")

# Of the four, only a directory is read while the program runs: the others are made when it is built.
site = match(
    kind,
    {
        "crunch": crunch("htdocs"),
        "fat": fat_kv_ro(fat_of_files("htdocs")),
        "tar": tar_kv(tar_of_files("htdocs")),
        "dir": directory("htdocs", read_only=True),
    },
)
register("www", main("app:Www", site=site, stack=generic_stack()))
