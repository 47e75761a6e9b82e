"""Which files belong to the project: everything but what tools and runs leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 20  # findings that are printed; the rest is counted
_NOT_OURS = {"var", "build", "dist", "node_modules", "__pycache__"}
_TEXT = (
    ".cfg .conf .css .csv .editorconfig .gitignore .html .ini .js .json .lock .mako .md .po .py "
    ".service .sh .svg .toml .txt .yaml .yml"
)
_SUFFIXES = set(_TEXT.split())


def text_files(root: Path = ROOT, *suffixes: str) -> Iterator[Path]:
    """Every text file of the tree in order of name; only those ending in `suffixes` if given."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name != ".ci"
            if not hidden and path.name not in _NOT_OURS and not path.name.endswith(".egg-info"):
                yield from text_files(path, *suffixes)
        elif (path.suffix in suffixes) if suffixes else _is_text(path):
            yield path


def _is_text(path: Path) -> bool:
    return (path.suffix or path.name) in _SUFFIXES or not path.suffix
