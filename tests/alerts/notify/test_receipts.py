"""What becomes of a page after its channel took it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.model import Step
from alerts.notify import receipts
from alerts.notify.channel import Receipt
from alerts.notify.queue import RetryPolicy
from alerts.notify.receipts import Fate
from tests.alerts.conftest import T0, House, raised
from tests.alerts.notify.test_outbox import Make
from tests.support import by_hand

S = 1000


@pytest.fixture
def house(tmp_path: Path, site_directory: Make) -> Iterator[House]:
    made = House(
        f"sqlite:///{tmp_path / 'receipts.db'}",
        site_directory(lambda _: 'sms = true\nmqtt = true\nchannels = ["sms", "mqtt"]'),
    )
    yield made
    made.engine.dispose()


def take(house: House, channel: str, now_ms: int, ref: str | None = None) -> dict[str, Any]:
    """The channel takes one page."""
    row = by_hand.claim(house.engine, channel, 1, now_ms, "w", 60 * S)[0]
    assert by_hand.delivered(
        house.engine, row, "w", now_ms, Receipt("OK", ref, 10 if ref else None)
    )
    return row


def tell(house: House, row: dict[str, Any], fate: Fate, at_ms: int) -> bool:
    chains = house.desk.chains
    return receipts.tell(house.engine, chains, row["id"], fate, fate.name, at_ms, at_ms)


def rows(house: House) -> list[tuple[str, str]]:
    with reading(house.engine) as conn:
        found = conn.execute(select(outbox.c.channel, outbox.c.state).order_by(outbox.c.id))
        return [(channel, state) for channel, state in found]


def test_reached_then_read_stand_on_the_delivery(house: House) -> None:
    house.raise_(raised("16", people=None))
    row = take(house, "sms", T0 + S, "m-1")
    assert not tell(house, row, Fate.PENDING, T0 + 2 * S)
    assert tell(house, row, Fate.REACHED, T0 + 3 * S)
    assert not tell(house, row, Fate.REACHED, T0 + 4 * S), "told twice, kept once"
    assert tell(house, row, Fate.READ, T0 + 5 * S)
    assert not tell(house, row, Fate.FAILED, T0 + 6 * S), "who has read it was reached"
    one = house.alert()["deliveries"][0]
    moments = [one[name] for name in ("delivered_ms", "reached_ms", "read_ms")]
    assert moments == [T0 + S, T0 + 3 * S, T0 + 5 * S]
    assert house.kinds()[-3:] == ["delivered", "reached", "read"]


def test_a_page_that_is_lost_after_all_goes_by_the_next_channel(house: House) -> None:
    house.raise_(raised("16", people=None))
    row = take(house, "sms", T0 + S, "m-1")
    assert tell(house, row, Fate.FAILED, T0 + 5 * S)
    assert not tell(house, row, Fate.FAILED, T0 + 6 * S)
    assert rows(house) == [("sms", "dead"), ("mqtt", "due")]
    assert house.kinds()[-2:] == ["undelivered", "next_channel"]
    take(house, "mqtt", T0 + 7 * S)
    with reading(house.engine) as conn:
        keys = list(conn.execute(select(outbox.c.key).order_by(outbox.c.id)).scalars())
    assert keys == ["1:maintenance:zhang:sms", "1:maintenance:zhang:mqtt"]


def test_a_lost_page_that_nobody_needs_any_more_is_not_sent_anew(house: House) -> None:
    house.raise_(raised("16", people=None))
    row = take(house, "sms", T0 + S, "m-1")
    house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + 2 * S)
    assert tell(house, row, Fate.FAILED, T0 + 5 * S)
    assert rows(house) == [("sms", "dead")]


def test_a_lost_page_of_one_unit_is_sent_anew_though_another_has_answered(house: House) -> None:
    house.raise_(raised())
    taken = [take(house, "sms", T0 + S, f"m-{i}") for i in range(3)]
    house.act(1, Step.ACKNOWLEDGE, "pm1", T0 + 2 * S)
    mine = next(row for row in taken if row["contact"] == "zhang")
    theirs = next(row for row in taken if row["contact"] == "pm1")
    assert tell(house, theirs, Fate.FAILED, T0 + 3 * S)
    assert tell(house, mine, Fate.FAILED, T0 + 3 * S)
    with reading(house.engine) as conn:
        due = conn.execute(select(outbox.c.key).where(outbox.c.state == "due")).scalars()
        assert list(due) == ["1:maintenance:zhang:mqtt"]


def test_the_way_that_rested_for_a_lost_page_goes_on(house: House) -> None:
    house.raise_(raised("16", people=None))
    policy = RetryPolicy(next_channel_after=1)
    row = by_hand.claim(house.engine, "sms", 1, T0, "w", 60 * S)[0]
    by_hand.failed(house.engine, row, "w", T0, policy, "busy", False)
    take(house, "sms", T0 + 10 * S, "m-1")  # meanwhile the other channel's row waits
    assert rows(house) == [("sms", "delivered"), ("mqtt", "withdrawn")]
    with reading(house.engine) as conn:
        sms = dict(conn.execute(select(outbox).where(outbox.c.channel == "sms")).mappings().one())
    assert tell(house, sms, Fate.FAILED, T0 + 20 * S)
    assert rows(house) == [("sms", "dead"), ("mqtt", "due")]


def test_opening_the_page_marks_it_read_once(house: House) -> None:
    house.raise_(raised("16", people=None))
    assert not receipts.page_opened(house.engine, 1, "zhang", T0), "nothing was sent yet"
    take(house, "sms", T0 + S, "m-1")
    version = house.alert()["version"]
    assert not receipts.page_opened(house.engine, 1, "boss", T0 + 2 * S), "not theirs"
    assert receipts.page_opened(house.engine, 1, "zhang", T0 + 2 * S)
    assert not receipts.page_opened(house.engine, 1, "zhang", T0 + 3 * S)
    assert house.alert()["deliveries"][0]["read_ms"] == T0 + 2 * S
    assert house.kinds().count("read") == 1
    assert house.alert()["version"] == version, "reading is no step"


def test_a_gateway_is_asked_when_it_is_time_and_no_more_once_read(house: House) -> None:
    house.raise_(raised("16", people=None))
    row = take(house, "sms", T0, "m-1")
    assert receipts.to_ask(house.engine, "sms", T0 + 9 * S, 5 * S) == []
    assert [r["ref"] for r in receipts.to_ask(house.engine, "sms", T0 + 10 * S, 5 * S)] == ["m-1"]
    assert receipts.to_ask(house.engine, "sms", T0 + 14 * S, 5 * S) == []
    assert len(receipts.to_ask(house.engine, "sms", T0 + 15 * S, 5 * S)) == 1
    tell(house, row, Fate.READ, T0 + 16 * S)
    assert receipts.to_ask(house.engine, "sms", T0 + 600 * S, 5 * S) == []


def test_a_page_is_found_by_key_or_by_the_gateways_number(house: House) -> None:
    house.raise_(raised("16", people=None))
    row = take(house, "sms", T0, "m-1")
    by_key = receipts.find_page(house.engine, "sms", key=row["key"])
    by_ref = receipts.find_page(house.engine, "sms", ref="m-1")
    assert by_key is not None and by_ref is not None
    assert by_key["id"] == by_ref["id"] == row["id"]
    assert receipts.find_page(house.engine, "voice", ref="m-1") is None
    assert receipts.find_page(house.engine, "sms") is None
