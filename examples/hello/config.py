from fata.config import main, register

register("hello", main("app:Hello"))
