"""Settings of every test in this repository."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.budget"]

# The same examples every time: a failure in CI is a failure here. `make nightly` looks further, at random.
settings.register_profile("daily", derandomize=True, deadline=None)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=30)  # `make check`, which has a minute
settings.register_profile("nightly", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("daily")
