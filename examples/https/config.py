from fata.config import crunch, generic_stack, main, register

register("https", main("app:Https", site=crunch("../www/htdocs"), stack=generic_stack()))
