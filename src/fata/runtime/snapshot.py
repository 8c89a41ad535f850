"""The program's snapshot on a machine: everything is imported, nothing has been asked of the machine yet.

Under `fata.snapshot` on the boot line the machine's memory is kept here and it is switched off; every start of the
image that is made of it goes on from here. What the modules hold then is what they held when the image was built, so
that what has to differ from start to start is renewed.
"""

from __future__ import annotations

import sys

WANTED = b"FATA_SNAPSHOT"  # the environment variable that the kernel sets when the boot line asks for one
START = 3  # draws of random octets before the first module: for the C library, for its allocator, for hashes
SEED = 48  # octets, for OpenSSL's generator


def keep() -> None:
    """Be kept, if this is asked for; go on, in every later start, with that start's words and environment."""
    from posix import environ  # what os.environ is made of: a program may do without os

    if WANTED not in environ:
        return
    import gc
    import os

    import _hw

    del os.environb[WANTED]
    gc.collect()
    gc.freeze()
    told = _hw.snapshot(START + ("random" in sys.modules))
    words, _, settings = told.partition(b"\0\0")
    sys.argv[:] = [os.fsdecode(word) for word in words.split(b"\0")]
    for setting in settings.split(b"\0"):
        name, _, value = setting.partition(b"=")
        if name:
            os.environb[name] = value
    _renew()


def _renew() -> None:
    """Forget what would be the same in every start: a seed, and since when the program runs."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        import os

        ssl.RAND_add(os.urandom(SEED), float(SEED))
    logging = sys.modules.get("logging")
    if logging is not None:
        import time

        logging.__dict__["_startTime"] = time.time()
