from fata.config import generic_stack, main, register

register("echo-tcp", main("app:EchoTcp", stack=generic_stack()))
