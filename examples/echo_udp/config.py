from fata.config import generic_stack, main, register

register("echo-udp", main("app:EchoUdp", stack=generic_stack()))
