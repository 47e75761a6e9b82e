#!/usr/bin/env bash
# install.sh VENV LOCK...: makes VENV when absent, installs exactly what the locks hold, then this
# project itself in editable form. Shows a counter; the full log stays in VENV/install.log.
set -euo pipefail

venv="$1"
shift
if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
    python="$(bash "$(dirname "$0")/python.sh")"
    echo "→ 建立 $venv · making $venv with $("$python" --version 2>&1)"
    "$python" -m venv --clear "$venv"
fi

log="$venv/install.log"
: >"$log"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

counted() { # runs pip, shows how many of $1 packages it has looked at
    local total="$1"
    shift
    "$venv/bin/python" -m pip install "$@" 2>&1 |
        "$venv/bin/python" "$(dirname "$0")/progress.py" "$log" "$total"
}

locks=()
total=0
for lock in "$@"; do
    locks+=(-r "$lock")
    total=$((total + $(grep -c '^[a-z].*==' "$lock")))
done
echo "→ 安装依赖 · installing $total packages (first time: a minute or two)"
if ! counted "$total" --require-hashes "${locks[@]}" ||
    ! counted 1 --no-deps --no-build-isolation --editable .; then
    tail -n 20 "$log" >&2
    echo "安装失败 · installation failed; full log: $log" >&2
    exit 1
fi
