"""The synchronous face of stores, for scripts, tools and FUSE: the same code, driven to its end at once.

store = blocking(repo).main()
store.set("greetings/en", "hello")
"""

from __future__ import annotations

from fata.blocking.drive import drive
from fata.blocking.face import Face, blocking

__all__ = ["Face", "blocking", "drive"]
