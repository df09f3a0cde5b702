#!/usr/bin/env bash
# Format, lint, types, import rules and the fast tests.
source "$(dirname "$0")/steps.sh"
step format ruff format --check --quiet .
step lint ruff check --quiet .
step types mypy
step imports lint-imports
step "fast tests" pytest -q -n 2 --dist loadgroup -m "not slow and not postgres and not processes and not pcsc and not browser and not journey"
echo "check: all passed"
