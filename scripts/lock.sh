#!/usr/bin/env bash
# Pins every dependency with its hashes. Needs `uv`; run it by hand when pyproject.toml changes.
# The output names no index, so that any registry that serves the same files will do.
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links
         --no-annotate --no-header --override requirements/overrides.txt)
uv pip compile "${options[@]}" --extra station --extra server --extra dev pyproject.toml \
    -o requirements/lock.txt
uv pip compile "${options[@]}" requirements/build.in -c requirements/lock.txt -o requirements/build.txt
