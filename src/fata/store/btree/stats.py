"""A store's figures."""

from __future__ import annotations

from typing import NamedTuple


class Stats(NamedTuple):
    """Figures of a store. Pages are `node_size` octets."""

    node_size: int
    pages: int
    fixed: int  # superblocks and log
    used: int  # nodes and extents, old versions that wait to be freed included
    free: int
    leaves: int
    inner_nodes: int
    levels: int
    log_sectors: int
    log_used: int  # sectors that a replay would read
    dirty_leaves: int
    cached_octets: int
    generation: int
    snapshots: int
    readers: int
