#!/usr/bin/env bash
# Prints a Python ≥3.11 that can make a venv; says in one line what is missing otherwise.
set -euo pipefail

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
complete() { "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; }

find_python() { # $1: a test that the candidate must pass
    local name
    for name in python3.13 python3.12 python3.11 python3 python3.14 python; do
        if usable "$name" && "$1" "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

find_python complete && exit 0

here="$(dirname "$0")"
if [ "$(uname)" = Darwin ]; then
    echo "需要 Python ≥3.11 · Python ≥3.11 is needed:  brew install python@3.12" >&2
    exit 1
fi
if incomplete="$(find_python usable)"; then
    package="$("$incomplete" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"
else
    package="python3-venv"
fi
bash "$here/system.sh" "$package" >&2
find_python complete && exit 0
echo "需要 Python ≥3.11 · Python ≥3.11 is needed; this system's python3 is older: install 3.11 or newer" >&2
exit 1
