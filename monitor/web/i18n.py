"""Two languages: catalogues read from .po at start-up, and which one a visitor wants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from babel.messages.pofile import read_po
from starlette.requests import Request

LOCALE = Path(__file__).parent / "locale"
LANGUAGES: Mapping[str, str] = {"zh_CN": "中文", "en": "English"}
HTML_LANG = {"zh_CN": "zh-CN", "en": "en"}
COOKIE = "lang"


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The messages of one language. Plural forms stand in order of the language's rule.

    Made once, so compared by identity.
    """

    lang: str
    messages: Mapping[str, str | tuple[str, ...]]
    of_scripts: frozenset[str] = frozenset()
    """Those that scripts write; a browser need not carry the others."""

    def gettext(self, message: str) -> str:
        """Return the message in this language; the message itself when there is none."""
        found = self.messages.get(message, message)
        return found if isinstance(found, str) else found[0]

    def ngettext(self, one: str, many: str, n: int) -> str:
        """Return the form of a message for `n` things."""
        found = self.messages.get(one)
        if isinstance(found, tuple):
            return found[0] if n == 1 or len(found) == 1 else found[1]
        return found or (one if n == 1 else many)

    @cached_property
    def script(self) -> str:
        """The scripts' messages as a JavaScript module, for what the console writes by itself."""
        told = {one: form for one, form in self.messages.items() if one in self.of_scripts}
        return f"export default {json.dumps(told, ensure_ascii=False, sort_keys=True)};\n"

    @cached_property
    def version(self) -> str:
        """A short hash that changes with the messages, for the address of `script`."""
        return hashlib.sha256(self.script.encode()).hexdigest()[:12]


def load_catalogues(folder: Path = LOCALE) -> dict[str, Catalogue]:
    """Read `{lang}/LC_MESSAGES/messages.po` of every language."""
    found = {}
    for lang in LANGUAGES:
        with (folder / lang / "LC_MESSAGES" / "messages.po").open("rb") as file:
            catalog = read_po(file, locale=lang)
        messages: dict[str, str | tuple[str, ...]] = {}
        of_scripts = set()
        for message in catalog:
            if isinstance(message.id, tuple | list):
                messages[message.id[0]] = tuple(message.string or ())
            elif message.id and message.string:
                messages[message.id] = str(message.string)
            if any(file.endswith(".js") for file, _line in message.locations):
                of_scripts.add(message.id if isinstance(message.id, str) else message.id[0])
        found[lang] = Catalogue(lang, messages, frozenset(of_scripts))
    return found


def _known(tag: str | None) -> str | None:
    if not tag:
        return None
    lower = tag.strip().lower()
    return "zh_CN" if lower.startswith("zh") else "en" if lower.startswith("en") else None


def language(request: Request) -> str:
    """Return the language of this request: `?lang=`, else the cookie, else Accept-Language.

    Chinese where none of them names a language we have: the site speaks it.
    """
    chosen = _known(request.query_params.get("lang")) or _known(request.cookies.get(COOKIE))
    if chosen:
        return chosen
    weighted = []
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, weight = part.partition(";q=")
        if known := _known(tag):
            try:
                weighted.append((float(weight or 1), known))
            except ValueError:
                continue
    return max(weighted, key=lambda item: item[0])[1] if weighted else "zh_CN"
