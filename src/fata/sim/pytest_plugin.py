"""The pytest plugin of fata: fixtures in virtual time (every import is lazy, pytest loads this everywhere)."""
