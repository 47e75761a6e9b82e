"""A summary of many alerts, by every way out, and what may come back of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.model import Step
from alerts.notify import alertmanager, receipts, template
from alerts.notify.channel import Item, Receipt
from alerts.notify.email import EmailChannel
from alerts.notify.receipts import Fate
from alerts.replies import notes
from alerts.replies.answers import Answer, Replies
from alerts.replies.notes import write_answer, write_resolved
from alerts.replies.tokens import ReplyTokens
from config.text import Text
from tests.alerts.conftest import T0, House
from tests.alerts.grouping.test_gathering import MIN, S, fault, told
from tests.alerts.notify.test_outbox import Make
from tests.support import by_hand

TOKENS = ReplyTokens("s")


@pytest.fixture
def house(tmp_path: Path, site_directory: Make) -> Iterator[House]:
    """Twelve faults: ten pages to the bureau's man on duty, and two that are summed up."""
    reach = 'alertmanager = "http://x/y"\nemail = "a@b"\nmqtt = true'
    made = House(
        f"sqlite:///{tmp_path / 's.db'}",
        site_directory(lambda _: reach + '\nchannels = ["alertmanager", "email", "mqtt"]'),
    )
    made.raise_(*(fault(i) for i in range(12)))
    made.desk.tick(T0 + MIN)
    yield made
    made.engine.dispose()


def summary(house: House) -> dict[str, Any]:
    [row] = [row for row in told(house, "duty") if row["step"] == "summary"]
    return row


def deliver(house: House, at_ms: int) -> None:
    for row in by_hand.claim(house.engine, "alertmanager", 100, at_ms, "w", 60_000):
        by_hand.delivered(house.engine, row, "w", at_ms, Receipt("OK"))


def test_every_form_can_say_it(house: House) -> None:
    row = summary(house)
    page = json.loads(row["payload"])
    item = Item(row["key"], "a@b", "zh", page, 1)
    values = template.values_of(item, ZoneInfo("Asia/Shanghai"))
    assert set(values) == set(template.NAMES)
    assert values["short"].startswith("【一般·汇总】2 条警情")
    assert values["speech"] == "电梯警情汇总：2 条。关门故障 ×2。"
    mail = EmailChannel("x", reply_to="r+{token}@x", tokens=TOKENS).message(item)
    assert mail["Reply-To"] is None, "an answer could mean any of them"
    body = alertmanager.message(page, "en")
    assert [one["labels"]["alert"] for one in body["alerts"]] == ["11", "12"]
    assert body["alerts"][0]["generatorURL"] != body["alerts"][1]["generatorURL"]


def test_an_alert_told_in_a_summary_is_resolved_under_the_same_fingerprint(house: House) -> None:
    deliver(house, T0 + MIN)
    firing = alertmanager.message(json.loads(summary(house)["payload"]), "en")["alerts"][0]
    house.act(11, Step.CANCEL, "operator", T0 + 2 * MIN, comment="x")
    assert write_resolved(house.desk, T0 + 2 * MIN) == 2  # the bureau's two people
    [row] = [row for row in told(house, "duty") if row["step"] == "resolved"]
    over = alertmanager.message(json.loads(row["payload"]), "en")
    assert (over["status"], over["alerts"][0]["labels"]["alert"]) == ("resolved", "11")
    assert over["alerts"][0]["fingerprint"] == firing["fingerprint"]


def test_a_summary_takes_no_answer_but_its_links_do(house: House) -> None:
    deliver(house, T0 + MIN)
    replies = Replies(house.desk, TOKENS)
    refused = replies.claim_of_page(summary(house)["key"], "bureau")
    assert isinstance(refused, Text) and "links" in refused.en
    link = json.loads(summary(house)["payload"])["members"][1]["link"]
    claim = replies.claim(link.rsplit("/", 1)[-1], T0 + MIN)
    assert not isinstance(claim, Text) and claim.alert_id == 12
    assert receipts.page_opened(house.engine, 12, "duty", T0 + 2 * MIN)
    [row] = [row for row in told(house, "duty") if row["alert_id"] == 12]
    assert row["read_ms"] == T0 + 2 * MIN


def test_a_lost_summary_goes_by_the_next_channel(house: House) -> None:
    deliver(house, T0 + MIN)
    row = summary(house)
    chains = house.desk.chains
    at_ms = T0 + 2 * MIN
    assert receipts.tell(house.engine, chains, row["id"], Fate.FAILED, "lost", at_ms, at_ms)
    sent = [(r["channel"], r["state"]) for r in told(house, "duty") if r["step"] == "summary"]
    assert sent == [("alertmanager", "dead"), ("email", "due")]


def test_notes_make_no_flood(tmp_path: Path, site_directory: Make) -> None:
    house = House(f"sqlite:///{tmp_path / 'n.db'}", site_directory(lambda _: 'email = "a@b"'))
    house.raise_(fault(0))
    for number in range(15):
        answer = Answer("done", Text("好", "ok"), 1, "duty", "accept")
        assert write_answer(house.desk, answer, "email", str(number), T0 + S)
    house.raise_(fault(1, T0 + 2 * S))
    assert told(house, "duty")[-1]["state"] == "due"
    house.engine.dispose()


def test_a_note_about_an_exercise_says_so(house: House) -> None:
    row = dict(house.alert(1)) | {"rule_zh": "演练", "rule_en": "exercise", "exercise": True}
    to = {"contact": "duty", "unit": "bureau"}
    page = notes._page(house.desk, row, "resolved", notes.OVER, "minor", to, T0)
    assert page["title"]["zh"].startswith("【演练】")
    assert page["title"]["en"].startswith("[EXERCISE] ")
    assert alertmanager.labels(page)["exercise"] == "true"
