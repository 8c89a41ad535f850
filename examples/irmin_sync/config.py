from fata.config import generic_stack, main, register

register("irmin_sync", main("app:Stock", stack=generic_stack()))
