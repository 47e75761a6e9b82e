from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from monitor.web import i18n, messages
from monitor.web.i18n import LANGUAGES, language, load_catalogues
from tests.monitor.web.conftest import Enter

USED = {message for _, _, message in messages.used_messages()}
PLACEHOLDER = re.compile(r"%\(\w+\)0?\d*[ds]")


def entries(lang: str) -> dict[messages.Id, tuple[str, ...]]:
    found: dict[messages.Id, tuple[str, ...]] = {}
    for message in messages.known_messages(lang):
        if message.id:
            key = tuple(message.id) if isinstance(message.id, list | tuple) else message.id
            many = isinstance(message.string, list | tuple)
            found[key] = tuple(message.string) if many else (str(message.string),)
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_message_is_missing_and_none_is_unused(lang: str) -> None:
    known = entries(lang)
    assert len(USED) > 150, "the extraction sees Python, templates and JavaScript"
    assert USED - set(known) == set(), "run python -m monitor.web.messages and translate"
    assert set(known) - USED == set(), "run python -m monitor.web.messages"
    assert [key for key, forms in known.items() if not all(forms)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_translations_keep_their_placeholders(lang: str) -> None:
    for key, forms in entries(lang).items():
        wanted = set(PLACEHOLDER.findall(key if isinstance(key, str) else key[-1]))
        for form in forms:
            assert set(PLACEHOLDER.findall(form)) == wanted or not wanted - {"%(num)d", "%(n)d"}


def test_chinese_is_chinese() -> None:
    latin = {"MQTT"}
    for key, forms in entries("zh_CN").items():
        assert all(re.search(r"[\u4e00-\u9fff]", form) or form in latin for form in forms), key


def test_renewing_keeps_what_is_translated(tmp_path: Path) -> None:
    for lang in LANGUAGES:
        target = messages.po_file(lang, tmp_path)
        target.parent.mkdir(parents=True)
        target.write_bytes(messages.po_file(lang).read_bytes())
        assert messages.renew(lang, tmp_path) == []
        assert target.read_text("utf-8") == messages.po_file(lang).read_text("utf-8")


def test_plurals_follow_the_language() -> None:
    zh, en = load_catalogues()["zh_CN"], load_catalogues()["en"]
    one, many = "%(n)d person in the car", "%(n)d people in the car"
    assert [en.ngettext(one, many, n) for n in (1, 2)] == [one, many]
    assert zh.ngettext(one, many, 2) == zh.ngettext(one, many, 1) == "轿内 %(n)d 人"


class FakeRequest:
    def __init__(self, query: str = "", cookie: str = "", header: str = "") -> None:
        self.query_params = {"lang": query} if query else {}
        self.cookies = {i18n.COOKIE: cookie} if cookie else {}
        self.headers = {"accept-language": header} if header else {}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "zh_CN"),
        ({"header": "en-GB,en;q=0.9"}, "en"),
        ({"header": "fr,zh-TW;q=0.5,en;q=0.4"}, "zh_CN"),
        ({"header": "fr;q=x, en;q=y"}, "zh_CN"),
        ({"cookie": "zh_CN", "header": "en"}, "zh_CN"),
        ({"query": "en", "cookie": "zh_CN"}, "en"),
        ({"query": "xx", "header": "en"}, "en"),
    ],
)
def test_the_language_is_chosen_by_address_then_cookie_then_browser(
    asked: dict[str, str], expected: str
) -> None:
    request: Any = FakeRequest(**asked)
    assert language(request) == expected


async def test_the_switch_is_on_every_page_and_remembers(enter: Enter) -> None:
    client = enter("operator", "zh-CN")
    for path in ("/alerts?state=all", "/lifts", "/quarantine", "/health", "/alerts/999"):
        page = await client.get(path)
        assert 'lang="zh-CN"' in page.text
        href = re.search(r'<a href="([^"]*lang=en)" lang="en">English</a>', page.text)
        assert href, path
    moved = await client.get("/alerts?state=all&lang=en")
    assert (moved.status_code, moved.headers["location"]) == (303, "/alerts?state=all")
    assert 'lang="en"' in (await client.get("/alerts")).text
