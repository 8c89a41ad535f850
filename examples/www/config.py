from fata.config import crunch, generic_stack, main, register

register("www", main("app:Www", site=crunch("htdocs"), stack=generic_stack()))
