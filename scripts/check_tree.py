"""No machine's own paths, no registry addresses, no file too long to read at a sitting."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tree import ROOT, SHOWN, text_files

LONGEST = 400
_CODE = {".py", ".js", ".css", ".html", ".sh"}

FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.$}])/(?:work|root|Users|home)/[\w.-]"),
    "a path outside the tree": re.compile(r"(?:\.\./|/)shared/"),
    "the address of a package registry": re.compile(
        r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|jsdelivr|unpkg|cdnjs|debian|docker)\.[a-z]+"
        r"|--(?:extra-)?index[-]url|--find[-]links"
    ),
    "a merge left half done": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


def findings(root: Path = ROOT) -> Iterator[str]:
    """One line for each thing that must not be: file, line, what it is."""
    for path in text_files(root):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            yield f"{path.relative_to(root)}: not UTF-8; save it as UTF-8"
            continue
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path.relative_to(root)}:{line}: {what}: {match.group()!r}; take it out"
        lines = text.count("\n")
        if path.suffix in _CODE and lines > LONGEST:
            yield f"{path.relative_to(root)}: {lines} lines, limit {LONGEST}; split it"


def main() -> int:
    found = list(findings())
    sys.stdout.writelines(f"{line}\n" for line in found[:SHOWN])
    if len(found) > SHOWN:
        sys.stdout.write(f"… and {len(found) - SHOWN} more\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
