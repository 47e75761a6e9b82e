"""How values, names and places are put in words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from devices.registry import short_name
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.web.i18n import load_catalogues
from monitor.web.words import Words

VOCABULARY = load_vocabulary()
CATALOGUES = load_catalogues()
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture(params=["zh_CN", "en"])
def words(request: pytest.FixtureRequest) -> Words:
    return Words(CATALOGUES[request.param], VOCABULARY, ZONE)


def test_every_name_a_rule_may_use_is_told_in_words() -> None:
    words = Words(CATALOGUES["zh_CN"], VOCABULARY, ZONE)
    assert [name for name in rule_schema(VOCABULARY) if words.channel(name) == name] == []


def test_a_code_is_told_by_its_number_its_text_and_whether_it_came(words: Words) -> None:
    text = VOCABULARY.messages[4].text.of(words.lang)
    for form in ("code(4)", "once(4)"):
        assert "4" in words.channel(form) and text in words.channel(form)
    told = {words.value("code(4)", 1.0), words.value("code(4)", 0.0)}
    assert told in ({"已上报", "未上报"}, {"reported", "not reported"})


@pytest.mark.parametrize("value", [-0.0, -0.004, 0.0])
def test_zero_has_no_sign(words: Words, value: float) -> None:
    assert words.value("level_offset", value).startswith(("0 ", "0.00 "))


@pytest.mark.parametrize(
    ("place", "name", "where", "short"),
    [
        ("澜江街道锦云花园4期2栋", "锦云花园4期2栋A梯", "澜江街道锦云花园4期2栋A梯", "A梯"),
        ("锦云花园2栋", "锦云花园2栋A梯", "锦云花园2栋A梯", "A梯"),
        ("锦云花园2栋", "1 号梯", "锦云花园2栋 1 号梯", "1 号梯"),
        ("Tower A", "A 1", "Tower A A 1", "A 1"),
        ("Tower A", "Tower A", "Tower A", "Tower A"),
        ("", "gw-01", "gw-01", "gw-01"),
    ],
)
def test_a_place_is_not_said_twice(
    words: Words, place: str, name: str, where: str, short: str
) -> None:
    assert words.where({"place": place, "name": name, "subject": "x"}) == where
    assert short_name(place, name) == short


@pytest.mark.parametrize(
    ("hours", "told"), [(0, "23:30:00"), (1, "23:30:00"), (7, "2026-03-01 23:30:00")]
)
def test_midnight_alone_brings_no_date(words: Words, hours: int, told: str) -> None:
    at_ms = round(datetime(2026, 3, 1, 23, 30, tzinfo=ZONE).timestamp() * 1000)
    assert words.clock(at_ms, at_ms + hours * 3_600_000) == told
