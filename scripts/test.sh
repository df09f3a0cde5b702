#!/usr/bin/env bash
# Every test: units, real pcscd, real Chromium, real Qt windows, and the whole main job.
source "$(dirname "$0")/steps.sh"
step tests pytest -q -n 2 --dist loadgroup -m "not journey"
step journeys pytest -q -m journey
echo "test: all passed"
