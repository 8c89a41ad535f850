"""The B-tree's octets: superblock, nodes, log records, extents. `docs/spec/btree.md` has every bit."""
