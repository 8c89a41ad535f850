from fata.config import direct_stack, main, match, register, target, virtio_stack

stack = match(target, {"virtio": virtio_stack()}, default=direct_stack())
register("dhcp-client", main("app:DhcpClient", stack=stack))
