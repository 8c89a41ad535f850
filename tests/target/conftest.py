"""The folders in which the tests of the configuration language make their projects."""

from tests.config.conftest import folder

__all__ = ["folder"]
