#!/usr/bin/env bash
# Prepares a bare Debian 12 machine (Ubuntu 24.04 as far as possible): system packages, .venv,
# pinned Python packages, test photographs, face model. Each step leaves a stamp and is done once.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "setup: $*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "system packages are missing ($missing) and neither root nor sudo is at hand; ask an administrator to install them"; fi
}

# step NAME INPUT... : true when NAME was not yet done with these very inputs
step() {
    stamp=".venv/.stamp-$1"; shift
    digest=$( (printf '%s\n' "$stamp"; cat "$@") | sha256sum | cut -d' ' -f1)
    [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$digest" ]
}
done_with_step() { echo "$digest" > "$stamp"; }

packages=$(grep -v '^#' requirements/debian.txt)
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "setup: installing system packages:$missing"
    # The tests start PostgreSQL clusters of their own; Debian's package need not make one.
    if [ ! -e /etc/postgresql-common/createcluster.conf ] && [[ "$missing" == *postgresql* ]]; then
        as_root mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || fail "apt-get update failed; is the package registry in reach?"
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install:$missing"
fi

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed; set PYTHON to one"
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

if step packages requirements/build.txt requirements/lock.txt; then
    echo "setup: installing Python packages"
    pip install --quiet --no-deps --require-hashes -r requirements/build.txt || fail "the build tools could not be installed"
    pip install --quiet --no-deps --require-hashes --no-build-isolation -r requirements/lock.txt ||
        fail "the Python packages could not be installed"
    done_with_step
fi
if step project pyproject.toml; then
    pip install --quiet --no-deps --no-build-isolation --no-index -e . || fail "the project itself could not be installed"
    done_with_step
fi
if step photographs requirements/photographs.txt scripts/photographs.py; then
    echo "setup: fetching the test photographs"
    .venv/bin/python scripts/photographs.py .cache/photographs || fail "the test photographs could not be fetched"
    done_with_step
fi
if step face-model requirements/lock.txt scripts/face_model.py; then
    echo "setup: converting the face model"
    .venv/bin/python scripts/face_model.py .cache/models || fail "the face model could not be converted"
    done_with_step
fi
