"""virtio: the program as a machine of its own, under QEMU and whoever else boots a kernel by PVH."""
