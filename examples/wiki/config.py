from fata.config import generic_stack, main, register

register("wiki", main("app:Wiki", stack=generic_stack()))
