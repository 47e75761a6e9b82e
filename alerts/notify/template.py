"""Placeholders in what a site writes for a gateway, each escaped for the place it stands in.

`{to}` and its like are filled in from the page, `{secret:name}` from the site's secrets; `{{` and
`}}` are braces. A value never ends the string, element, field or line it was put into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from alerts.notify.channel import Item
from alerts.pages.page import people_text
from config.text import Text

Fill = Callable[[str], str]
Escape = Callable[[str], str]
MASK = "***"
SECRET = "secret:"  # noqa: S105 - the word before a secret's name
_PLACE = re.compile(r"\{\{|\}\}|\{([a-z_]+(?::[a-z0-9_]+)?)\}|[{}]")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

NOWHERE = {"place": "", "name": "", "rescue_code": "", "subject": ""}
NAMES = (
    "to", "text", "title", "short", "speech", "link", "key", "alert", "rule", "severity", "people",
    "place", "lift", "code", "name", "lang", "callback", "ref", "attempt", "at",
)  # fmt: skip


def names_in(text: str) -> list[str]:
    """Return the placeholders of a text. Raises ValueError for a lone brace."""
    found = []
    for match in _PLACE.finditer(text):
        if match[0] in "{}":
            raise ValueError(f"a lone {match[0]} at {match.start()}; write it twice for itself")
        if match[1]:
            found.append(match[1])
    return found


def render(text: str, fill: Fill, escaped: Escape = str) -> str:
    """Return a text with every placeholder filled in and escaped."""

    def one(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0][0]
        value = fill(match[1])
        return value if value == MASK else escaped(value)

    return _PLACE.sub(one, text)


def render_json(value: Any, fill: Fill) -> Any:
    """Return JSON data with the placeholders of its strings filled in; writing it out escapes."""
    if isinstance(value, str):
        return render(value, fill)
    if isinstance(value, Mapping):
        return {name: render_json(one, fill) for name, one in value.items()}
    if isinstance(value, list):
        return [render_json(one, fill) for one in value]
    return value


def for_url(value: str) -> str:
    """Escape for any part of an address after the host."""
    return quote(value, safe="")


def for_header(value: str) -> str:
    """Escape for a header: one line of visible ASCII, the rest percent-encoded."""
    line = "".join(sign if sign.isprintable() else " " for sign in value)
    return quote(line, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~%").strip()


def clean_xml(value: str) -> str:
    """Leave out what XML cannot carry at all."""
    return _NOT_XML.sub("", value)


def for_xml(value: str) -> str:
    """Escape for XML text and attributes."""
    return escape(clean_xml(value), {'"': "&quot;", "'": "&apos;"})


def values_of(item: Item, tz: tzinfo, callback: str = "", ref: str = "") -> dict[str, str]:
    """Return what each placeholder stands for, in the language of the contact."""
    page, side = item.page, "zh" if item.lang.startswith("zh") else "en"
    where = page["where"] or NOWHERE  # a summary tells of many places
    return {
        "to": item.address,
        "text": page["text"][side],
        "title": page["title"][side],
        "short": _short(page, tz).of(side),
        "speech": _speech(page).of(side),
        "link": page["link"],
        "key": item.key,
        "alert": str(page["alert"]),
        "rule": page["what"][side],
        "severity": page["severity"],
        "people": people_text(page).of(side),
        "place": where["place"],
        "lift": where["name"],
        "code": where["rescue_code"] or where["subject"],
        "name": page["to"].get("name", ""),
        "lang": side,
        "callback": callback,
        "ref": ref,
        "attempt": str(item.attempt),
        "at": str(page["sent_ms"] // 1000),
    }


def _short(page: Mapping[str, Any], tz: tzinfo) -> Text:
    """One line for a short message: what, where, people, since when, link."""
    if page.get("summary"):
        title, link = page["title"], page["link"]
        return Text(f"{title['zh']}。最急：{link}", f"{title['en']}. Gravest: {link}")
    since = datetime.fromtimestamp(page["since_ms"] / 1000, tz).strftime("%H:%M")
    people = people_text(page)
    return Text(
        f"{page['title']['zh']}，{people.zh}，{since} 起。接单 {page['link']}",
        f"{page['title']['en']}, people: {people.en}, since {since}. Accept {page['link']}",
    )


def _speech(page: Mapping[str, Any]) -> Text:
    """What a voice says: no link, no brackets, the rescue code to write down."""
    if page.get("summary"):
        count, what = page["summary"], page["what"]
        return Text(
            f"电梯警情汇总：{count} 条。{what['zh']}。", f"{count} lift alerts: {what['en']}."
        )
    where, people = page["where"], people_text(page)
    code = where["rescue_code"] or where["subject"]
    spot = f"{where['place']}{where['name']}"
    return Text(
        f"电梯警情：{page['what']['zh']}。地点：{spot}，识别码 {code}。人员：{people.zh}。",
        f"Lift alert: {page['what']['en']}. At {spot}, code {code}. People: {people.en}.",
    )
