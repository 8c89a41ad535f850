from fata.config import generic_stack, main, register

register("ping", main("app:Ping", stack=generic_stack()))
