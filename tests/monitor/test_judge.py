"""What waiting and counting raise is told with its evidence, in words of both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerts.model import Transition
from alerts.rules import DEFAULT_RULES, load_rules
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.judge import Judge
from monitor.web.i18n import load_catalogues
from monitor.web.words import Words
from tests.monitor.detector.fleets import batch
from tests.support.site import write_small_site

VOCAB = load_vocabulary()
RULES = load_rules(DEFAULT_RULES, rule_schema(VOCAB))
T0 = 1_772_330_400_000  # 2026-03-01 10:00 in Shanghai
H = 3_600_000


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = load_registry(write_small_site(tmp_path, lifts=3, gateways=1))
    dated = replace(found.lift(1), last_visit=date(2026, 2, 10), inspection_due=date(2026, 3, 1))
    return Registry([found.lift(0), dated, found.lift(2)], found.gateways)


def listen(judge: Judge, until_ms: int, told: list[Transition], *messages: tuple[int, int]) -> None:
    """Time passes from T0 on; messages are (ms, code) of lift 0."""
    waiting = sorted(messages)
    for now in range(T0, until_ms, 20_000):
        due = [m for m in waiting if m[0] <= now]
        waiting = waiting[len(due) :]
        rows = [(lift, now, {"speed": 0}) for lift in range(3)]
        told += judge.judge(batch(rows, [(0, at, code, "once") for at, code in due]), now, 1)
        told += judge.tick(now)


def test_three_entrapments_and_days_that_are_due(registry: Registry) -> None:
    judge = Judge(VOCAB, registry, RULES)
    told = judge.tick(T0)
    listen(judge, T0 + 3 * H, told, *((T0 + 60_000 + k * 80 * 60_000, 93) for k in range(3)))
    found = {(one.subject, one.rule): one for one in told if one.raised}
    bad_actor = found[registry.lift(0).reg_code, "31"]
    name, value, since = (
        bad_actor.evidence[-1].name,
        bad_actor.evidence[-1].value,
        bad_actor.evidence[-1].since_ms,
    )
    assert (name, value, since) == ("raised(30,1,2,11)", 3.0, T0 + 60_000)
    overdue, expired = (found[registry.lift(1).reg_code, rule] for rule in ("29", "30b"))
    assert [(e.name, e.value) for e in overdue.evidence] == [("days_since_visit", 19.0)]
    assert overdue.evidence[0].since_ms == T0 - 19 * 24 * H - 10 * H  # midnight of that day
    assert [(e.name, e.value) for e in expired.evidence] == [("days_to_inspection", 0.0)]
    assert {rule for _, rule in found} == {"2", "31", "29", "30b"}


def test_their_evidence_is_told_in_words() -> None:
    zh, en = (
        Words(load_catalogues()[lang], VOCAB, ZoneInfo("Asia/Shanghai")) for lang in ("zh_CN", "en")
    )
    name = "raised(30,1,2,11)"
    assert zh.channel(name) == "30 天内规则 1、2、11 触发次数"
    assert en.channel(name) == "raises of rules 1, 2, 11 in 30 days"
    assert (zh.value(name, 3.0), en.value(name, 3.0)) == ("3", "3")
    assert (zh.value("days_since_visit", 19.0), en.value("days_since_visit", 19.0)) == (
        "19 天",
        "19 d",
    )
    assert en.value("hours_since_voice_test", 73.25) == "73.2 h"
    assert zh.value("voice_test_failed", 1.0) == "是"
