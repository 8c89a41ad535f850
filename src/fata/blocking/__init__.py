"""The synchronous face of stores: for scripts, tools and FUSE, over devices that never suspend.

with Blocking(drive(open_file_block("disk.img"))) as disk: ...
store = Blocking(call(open_fat_kv(disk)))
store.get("css/site.css")                       # awaits nothing: it is done when it returns
"""

from fata.blocking.face import Blocking, call

__all__ = ["Blocking", "call"]
