from fata.config import generic_stack, main, register

register("network", main("app:Network", stack=generic_stack()))
