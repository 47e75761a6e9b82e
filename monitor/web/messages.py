"""Which messages the console has. `python -m monitor.web.messages` renews the .po files.

A message is written in English where it is used, in Python, templates or JavaScript, as `_("…")`;
renewing adds it to both catalogues (untranslated, for somebody to fill in) and drops what nobody
uses any more.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from monitor.web.i18n import LANGUAGES, LOCALE

WEB = Path(__file__).parent
METHODS = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("static/js/**.js", "javascript"),
]
Id = str | tuple[str, ...]


def used_messages() -> Iterator[tuple[str, int, Id]]:
    """Yield (file, line, message) of every message in use; a plural is a pair."""
    for file, line, message, _comments, _context in extract_from_dir(WEB, METHODS):
        yield file, line, tuple(message) if isinstance(message, list | tuple) else message


def po_file(lang: str, folder: Path = LOCALE) -> Path:
    """Return the catalogue's file of a language."""
    return folder / lang / "LC_MESSAGES" / "messages.po"


def known_messages(lang: str) -> Catalog:
    """Return the catalogue of a language as it is kept."""
    with po_file(lang).open("rb") as file:
        return read_po(file, locale=lang)


def renew(lang: str, folder: Path = LOCALE) -> list[Id]:
    """Write the catalogue of a language anew; return what still has no translation."""
    path = po_file(lang, folder)
    old = read_po(path.open("rb"), locale=lang) if path.exists() else Catalog(locale=lang)
    new = Catalog(locale=lang, project="Liftwatch", fuzzy=False)
    for file, line, message in sorted(used_messages(), key=str):
        before = old.get(message[0] if isinstance(message, tuple) else message)
        words = before.string if before and before.string else None
        if words is None and lang == "en":
            words = message
        new.add(message, words, locations=[(file, line)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        write_po(stream, new, sort_output=True, include_lineno=False, omit_header=True)
    return [_id(m.id) for m in new if m.id and not all(_forms(m.string))]


def _id(message: object) -> Id:
    return tuple(message) if isinstance(message, tuple | list) else str(message)


def _forms(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, tuple | list) else (str(string or ""),)


if __name__ == "__main__":
    for language in LANGUAGES:
        for missing in renew(language):
            sys.stderr.write(f"{language}: {missing!r} has no translation\n")
