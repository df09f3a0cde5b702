# Sourced by check.sh and test.sh: runs named steps; the last line says which one failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH" QT_QPA_PLATFORM="${QT_QPA_PLATFORM:-offscreen}"
command_name=$(basename "$0" .sh)

step() {
    local name=$1; shift
    echo "== $name"
    "$@" || { echo "$command_name: $name failed" >&2; exit 1; }
}
