# Every target prepares what it needs first and does nothing twice.
.PHONY: setup demo test check format bench fuzz faults clean

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

# A long run of the fuzzers: SECONDS for each, 60 where none is named.
fuzz: setup
	@$(VENV_PYTHON) -m fuzzing $(if $(SECONDS),--seconds $(SECONDS))

# N faults at real servers and kiosks; ends with "faults N lost L".
faults: setup
	@$(VENV_PYTHON) -m faults $(or $(N),100) $(if $(SEED),--seed $(SEED))

clean:
	@rm -rf build
