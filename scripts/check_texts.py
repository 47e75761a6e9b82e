"""What people read stands there in Chinese and in English.

Python: every `Text(zh, en)`. TOML: every `zh` beside an `en`, every `x_zh` beside an `x_en`.
Catalogues (.po): every message has its Chinese. Guides: both languages in each.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from tree import ROOT, SHOWN, text_files

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LANGUAGE_KEY = re.compile(r"((?:.*_)?)(?:zh|en)$")
_LATIN_WORD = re.compile(r"[A-Za-z]{3,}")


def wrong(zh: str, en: str) -> str | None:
    """What is wrong with a pair of texts; None when nothing is."""
    if not zh.strip() or not en.strip():
        return "one language is empty"
    if _CHINESE.search(en):
        return "Chinese in the English text"
    if not _CHINESE.search(zh) and _LATIN_WORD.search(zh) and zh != en:
        return "no Chinese in the Chinese text"
    return None


def in_python(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and _called(node) == "Text":
            given = {word.arg: word.value for word in node.keywords}
            parts = [*node.args, *(given[name] for name in ("zh", "en") if name in given)]
            texts = [text for part in parts if (text := _written(part)) is not None]
            trouble = wrong(*texts) if len(texts) == 2 else None
            if trouble:
                yield node.lineno, f"Text: {trouble}"


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


def _written(node: ast.expr) -> str | None:
    """The text as far as it stands in the source; `…` for what is put in at run time."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(part) or "…" for part in node.values)
    return None


def in_toml(path: Path) -> Iterator[tuple[int, str]]:
    for where, table in _tables(tomllib.loads(path.read_text("utf-8")), ""):
        stems = {match[1] for key in table if (match := _LANGUAGE_KEY.match(key))}
        for stem in sorted(stems):
            zh, en = table.get(f"{stem}zh", ""), table.get(f"{stem}en", "")
            trouble = wrong(zh, en) if isinstance(zh, str) and isinstance(en, str) else None
            if trouble:
                yield 0, f"{where}.{stem}zh/en: {trouble}"


def _tables(value: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield where, value
    items = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _tables(item, f"{where}.{key}".lstrip("."))


def in_catalogue(path: Path) -> Iterator[tuple[int, str]]:
    if "zh" not in path.as_posix():
        return
    with path.open("rb") as stream:
        for message in read_po(stream, locale="zh_CN"):
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            if message.id and not all(strings):
                yield message.lineno or 0, f"no Chinese for {message.id!r}"


def in_guide(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text("utf-8")
    if not _CHINESE.search(text) or len(_LATIN_WORD.findall(text)) < 50:
        yield 0, "a guide is written in both languages"


def findings(root: Path = ROOT) -> Iterator[str]:
    """One line for each text that lacks a language: file, line, what is missing."""
    readers = {".py": in_python, ".toml": in_toml, ".po": in_catalogue}
    for path in text_files(root, *readers):
        if path.name != "pyproject.toml" and "tests" not in path.relative_to(root).parts:
            for line, trouble in readers[path.suffix](path):
                yield f"{path.relative_to(root)}:{line}: {trouble}"
    for path in sorted((root / "docs").glob("guide-*.md")):
        for line, trouble in in_guide(path):
            yield f"{path.relative_to(root)}:{line}: {trouble}"


def main() -> int:
    found = list(findings())
    sys.stdout.writelines(f"{line}\n" for line in found[:SHOWN])
    if len(found) > SHOWN:
        sys.stdout.write(f"… and {len(found) - SHOWN} more\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
