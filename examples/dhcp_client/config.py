from fata.config import direct_stack, main, register

register("dhcp-client", main("app:DhcpClient", stack=direct_stack()))
