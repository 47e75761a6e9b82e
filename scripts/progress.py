"""Shows one counter instead of what pip prints: progress.py LOG TOTAL. Standard library only."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_SEEN = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:) (\S+)")
_WIDTH = 60


def main() -> None:
    log, total, seen = Path(sys.argv[1]), int(sys.argv[2]), 0
    terminal = sys.stdout.isatty()
    with log.open("a", encoding="utf-8") as stream:
        for line in sys.stdin:
            stream.write(line)
            if line.startswith("Ignoring "):  # for another platform or another Python
                total -= 1
            if found := _SEEN.match(line):
                seen += 1
                name = Path(re.split(r"[=<>;\[]", found[1])[0]).name.split("-")[0]
                _show(terminal, f"  {min(seen, total)}/{total} {name}", plain=seen % 20 == 0)
            elif line.startswith("Installing collected"):
                _show(terminal, "  解包 · unpacking …", plain=False)
    if terminal:
        sys.stdout.write("\r" + " " * _WIDTH + "\r")


def _show(terminal: bool, text: str, *, plain: bool) -> None:
    if terminal:
        sys.stdout.write(f"\r{text:<{_WIDTH}}")
    elif plain:
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
