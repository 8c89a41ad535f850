"""A crash-safe ordered store on a raw block device. `docs/design/btree.md` says why it is as it is."""
