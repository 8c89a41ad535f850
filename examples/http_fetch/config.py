from fata.config import generic_stack, main, register

register("http-fetch", main("app:HttpFetch", stack=generic_stack()))
