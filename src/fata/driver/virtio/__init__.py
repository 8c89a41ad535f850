"""virtio: drivers for the devices of a virtual machine (OASIS virtio 1.2), over mmio and PCI."""
