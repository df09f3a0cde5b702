#!/usr/bin/env bash
# Every test: units, real pcscd, real Qt windows, real Chromium, and the whole main job.
source "$(dirname "$0")/steps.sh"
step tests pytest -q -n 2 --dist loadgroup -m "not browser and not journey"
# Playwright keeps an event loop running in its process, so the browser has one of its own.
step "browser tests" pytest -q -m browser
step journeys pytest -q -m journey
echo "test: all passed"
