# What a developer types. Every target first sets up what it needs; nothing is asked for that it does not.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON_FILES := src tests examples benchmarks scripts conftest.py
FAST := not (slow or root or qemu or browser or peer)

help: ## list these targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

setup: ## make .venv and install what the project needs; quick when there is nothing to do
	@scripts/setup.sh

demo: ## build and boot the unikernel of examples/www, fetch a page from it, show what came back
	@scripts/setup.sh demo runtime
	@.venv/bin/python -m scripts.runtime.build || echo "demo: the runtime could not be built; its reason stands above" >&2
	@scripts/demo.sh

test: ## the whole test suite
	@scripts/setup.sh test runtime
	@.venv/bin/python -m scripts.runtime.build
	@.venv/bin/python -m pytest

check: setup ## formatting, lint, types and the fast tests: before every commit, under a minute, no root
	@.venv/bin/ruff format --check --quiet $(PYTHON_FILES)
	@.venv/bin/ruff check --quiet $(PYTHON_FILES)
	@$(MAKE) --no-print-directory -j2 types fast

types: # mypy takes one core while the fast tests take the other
	@.venv/bin/mypy $(PYTHON_FILES)

fast:
	@.venv/bin/python -m pytest --budgets -q -n 2 --hypothesis-profile=quick -m "$(FAST)"

bench: ## every benchmark: tables that name the interpreter and the machine's load
	@scripts/setup.sh bench runtime
	@.venv/bin/python -m scripts.runtime.build
	@scripts/bench.sh

pythons: ## the loop, the stack and the simulator on every CPython from 3.12 on that the machine has
	@scripts/setup.sh test
	@scripts/pythons.sh

nightly: ## the long versions of tests and benchmarks; writes dated results to docs/measurements
	@scripts/setup.sh test runtime bench
	@.venv/bin/python -m scripts.runtime.build
	@scripts/nightly.sh

fresh: ## prove set-up: a clean clone in an empty Debian 12 runs `make demo` and `make check` (needs root)
	@scripts/setup.sh fresh
	@.venv/bin/python scripts/fresh.py demo check

runtime: ## build the kernel and the static CPython that images are made of; quick when nothing has changed
	@scripts/setup.sh runtime
	@.venv/bin/python -m scripts.runtime.build

wheel: ## build the wheel into dist/, with the runtime and the licences of all that is linked into it
	@scripts/setup.sh runtime
	@.venv/bin/python -m scripts.runtime.build
	@.venv/bin/python -m scripts.wheel

clean: ## remove what was built and cached; .venv stays (rm -rf .venv .setup for all of it)
	@rm -rf build dist examples/*/build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find src tests examples benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help setup demo test check types fast bench pythons nightly fresh runtime wheel clean
