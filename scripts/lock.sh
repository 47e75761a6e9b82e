#!/usr/bin/env bash
# lock.sh VENV [1]: writes the lock files with uv, which lives in a throw-away venv.
# With 1 everything moves to its newest version; else what is locked stays where it can.
set -euo pipefail

venv="$1"
upgrade=()
[ "${2:-}" = 1 ] && upgrade=(--upgrade)
tool="$venv-lock"
trap 'rm -rf "$tool"' EXIT

export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 # the system's certificates, as pip uses them here

echo "→ uv"
"$(bash "$(dirname "$0")/python.sh")" -m venv --clear "$tool"
"$tool/bin/python" -m pip install -q --disable-pip-version-check uv

compile() { # NAME SOURCE [more options]
    local file="$1"
    shift
    echo "→ $file"
    "$tool/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate ${upgrade[@]+"${upgrade[@]}"} \
        --output-file "$file" "$@" >/dev/null
    { echo "# Locked with hashes. Made by: make lock" && grep -v '^#' "$file"; } >"$file.new"
    mv "$file.new" "$file"
}

compile requirements.lock pyproject.toml
compile requirements-dev.lock pyproject.toml --group dev --extra fieldbus --extra postgres
"$tool/bin/python" - <<'PY' >"$tool/build.in"
import tomllib

with open("pyproject.toml", "rb") as stream:
    print("\n".join(tomllib.load(stream)["build-system"]["requires"]))
PY
compile requirements-build.lock "$tool/build.in"
for peer in tests/peers/*.in; do # clients we did not write; each wants a paho-mqtt of its own
    compile "${peer%.in}.lock" "$peer"
done
