# Every target prepares what it needs first and does nothing twice.
.PHONY: setup demo test check format bench clean

SHELL := /bin/bash
VENV_PYTHON := .venv/bin/python

setup:
	@scripts/setup.sh

demo: setup
	@$(VENV_PYTHON) -m demo $(if $(INTERACTIVE),--interactive)

check: setup
	@scripts/check.sh

test: setup
	@scripts/test.sh

format: setup
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

bench: setup
	@$(VENV_PYTHON) -m benchmarks $(NAME)

clean:
	@rm -rf build
