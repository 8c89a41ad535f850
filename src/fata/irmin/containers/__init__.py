"""Data types for replicas that work apart: each is a type of contents with its merge, and an object on a store's path.

repo = Repo(backend, COUNTER)
visits = Counter(await repo.main(), "visits")
await visits.increase()
"""

from __future__ import annotations

from fata.irmin.containers.blob_log import BlobLog, blob_log
from fata.irmin.containers.counter import COUNTER, Counter
from fata.irmin.containers.linked_log import LinkedLog
from fata.irmin.containers.or_set import OrSet, or_set
from fata.irmin.containers.queue import Queue, queue
from fata.irmin.containers.register import LwwRegister, lww_register

__all__ = [
    "COUNTER",
    "BlobLog",
    "Counter",
    "LinkedLog",
    "LwwRegister",
    "OrSet",
    "Queue",
    "blob_log",
    "lww_register",
    "or_set",
    "queue",
]
