from fata.config import main, register

register("irmin_quickstart", main("app:Quickstart"))
