"""From what a user says to a remote."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fata.errors import Unavailable
from fata.irmin.contents.plain import BYTES
from fata.irmin.repo import Repo
from fata.irmin.sync.contract import Remote
from fata.irmin.sync.mapping import provide_mmap
from fata.irmin.sync.stores import StoreRemote

FILE = "file://"
SCHEMES = ("git", "http", "https", "ssh", "git+ssh")


def remote(
    where: str | Repo[Any],
    *,
    headers: Mapping[str, str] | None = None,
    ca_file: str | None = None,
    limit: int = 1 << 30,
) -> Remote:
    """Return the remote at a URL, in a git directory, or in another repository of this program.

    `headers` go with every HTTP request (for tokens); `ca_file` has the certificates that HTTPS trusts, in place of
    the system's. `limit` is the most octets of one object. Raises `Unavailable` for a directory that is no repository,
    and for a protocol that nobody speaks.
    """
    if isinstance(where, Repo):
        return StoreRemote(where, "another store")
    if "://" not in where or where.startswith(FILE):
        path = where.removeprefix(FILE)
        if os.path.exists(path) or "@" not in where:
            from fata.irmin.backend.git import GitBackend  # maps files, which a unikernel cannot

            return StoreRemote(Repo(GitBackend(path, limit=limit), BYTES), where)
    scheme, separator, _ = where.partition("://")
    if separator and scheme.lower() not in SCHEMES:
        raise Unavailable(
            f"{where}: nobody speaks {scheme}:// here", f"There are {'://, '.join(SCHEMES)}:// and file://."
        )
    provide_mmap()
    from fata.irmin.sync.git import GitRemote  # dulwich: a tenth of a second

    return GitRemote(where, headers=headers or {}, ca_file=ca_file, limit=limit)
