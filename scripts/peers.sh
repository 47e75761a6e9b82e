#!/usr/bin/env bash
# peers.sh VENV: clients that others wrote, for the conformance tests, each in a venv of its own
# under VENV/peers/NAME (they ask for versions of paho-mqtt that exclude each other and ours).
set -euo pipefail

venv="$1"
for lock in tests/peers/*.lock; do
    name="$(basename "$lock" .lock)"
    home="$venv/peers/$name"
    if ! cmp -s "$lock" "$home/installed.lock"; then
        echo "→ tests/peers/$name"
        "$(bash "$(dirname "$0")/python.sh")" -m venv --clear "$home"
        "$home/bin/python" -m pip install -q --disable-pip-version-check --no-input \
            --require-hashes -r "$lock"
        cp "$lock" "$home/installed.lock"
    fi
done
