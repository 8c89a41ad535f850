from fata.config import main, register

register("asgi", main("app:app"))
