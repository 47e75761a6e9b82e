"""Which wire formats and code maps are loaded, from where, and the codes nobody knew lately."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import config
from config.errors import ConfigError
from config.settings import Settings
from config.text import Text
from devices.codecs import Setup, listing
from devices.codecs.dialects import DIALECTS
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.quarantine.choice import Choice
from monitor.web.ports import QuarantinePort

CODES = Path(config.__file__).parent / "defaults" / "codes"
UNKNOWN = "unknown_code"
LOOKED_AT = 500
WEEK_MS = 7 * 86_400_000


def formats(settings: Settings, vocab: Vocabulary) -> list[dict[str, Any]]:
    """Return the formats that can be read: ours, those the settings name, and those they do not.

    Those of platforms are told by `code_maps`.
    """
    named = settings.ingest.dialects
    setup = Setup(Registry([], []), vocab, settings.site.folder, settings.ingest)
    found = [_row("lift/v1", listing.OURS_TEXT, ", ".join(listing.own_topics()), "", True)]
    for name in DIALECTS:
        if not listing.is_platform(name):
            text = listing.text_of(name, vocab)
            found.append(_row(name, text, _topics(name, setup), "", name in named))
    return found + [_mapped(file) for file in settings.ingest.maps]


def _topics(name: str, setup: Setup) -> str:
    try:
        return ", ".join(listing.topics_of(name, setup))
    except ConfigError:  # a file of the site beside it is wrong by now: a reload names it
        return ""


def code_maps(settings: Settings) -> list[dict[str, Any]]:
    """Return the platforms' code maps: shipped file, codes known and still open, whether read."""
    named = set(settings.ingest.dialects)
    found = []
    for file in sorted(CODES.glob("*.toml")):
        data = tomllib.loads(file.read_text("utf-8"))
        name = str(data.get("platform", file.stem))
        row = _row(
            name,
            Text(str(data.get("zh", name)), str(data.get("en", name))),
            str(data.get("topic", "")),
            file.name,
            any(one == name or one.endswith(f"-{name}") for one in named),
        )
        found.append(row | {"codes": len(data.get("code", [])), "open": len(data.get("open", []))})
    return found


def _mapped(file: Path) -> dict[str, Any]:
    data = tomllib.loads(file.read_text("utf-8"))
    text = Text(str(data.get("zh", file.stem)), str(data.get("en", file.stem)))
    return _row(file.stem, text, str(data.get("topic", "")), str(file), True)


def _row(name: str, text: Text, topic: str, file: str, read: bool) -> dict[str, Any]:
    return {"name": name, "text": text.as_json(), "topic": topic, "file": file, "read": read}


def unknown_codes(quarantine: QuarantinePort, now_ms: int) -> list[dict[str, Any]]:
    """Return codes of the last seven days that no table has, the most frequent first."""
    choice = Choice((), UNKNOWN, None, now_ms - WEEK_MS, None)
    seen: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], int] = {}
    for row in quarantine.recent(LOOKED_AT, None, choice):
        if row["reason"] == UNKNOWN:
            key = (row["gateway"], row["value"] or "")
            seen[key] += 1
            last[key] = max(last.get(key, 0), row["at_ms"])
    return [
        {"gateway": key[0], "code": key[1], "count": count, "last_ms": last[key]}
        for key, count in seen.most_common(50)
    ]
