#!/usr/bin/env bash
# check.sh BIN: everything that is checked without running the product. All checks run, even after
# one has failed, so that one round shows everything.
set -uo pipefail

bin="$1"
failed=()

step() { # NAME COMMAND...: quiet when well, the whole output when not
    local name="$1" output
    shift
    if output="$("$@" 2>&1)"; then
        printf '  ✓ %s\n' "$name"
    else
        printf '  ✗ %s\n%s\n' "$name" "$output"
        failed+=("$name")
    fi
}

step "lint (ruff)" "$bin/ruff" check -q .
step "format (ruff; make format)" "$bin/ruff" format -q --check .
step "strict types (mypy)" "$bin/mypy"
step "import rules (lint-imports)" "$bin/lint-imports" --no-cache --no-logo
step "texts in Chinese and English" "$bin/python" scripts/check_texts.py
step "no machine paths, no registry addresses, short files" "$bin/python" scripts/check_tree.py

if [ "${#failed[@]}" -gt 0 ]; then
    echo "not well: ${#failed[@]} of 6"
    exit 1
fi
