"""Answers that act like a tap: words, tokens, once, and told back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import outbox, reply
from alerts.model import Step
from alerts.pages.links import LinkClaim
from alerts.replies import words
from alerts.replies.answers import Replies, step_said
from alerts.replies.notes import write_answer
from alerts.replies.tokens import Callbacks, ReplyTokens
from alerts.replies.words import Said, understand
from config.text import Text
from tests.alerts.conftest import T0, House, raised
from tests.alerts.notify.test_outbox import Make

S = 1000
HOUR = 3_600_000
TOKENS = ReplyTokens("secret", 24)


# --- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("接单", Said(Step.ACCEPT)),
        ("  ACCEPT. \n\nBest regards", Said(Step.ACCEPT)),
        ("接单。\n\n发自我的 iPhone\n> 接单：http://…", Said(Step.ACCEPT)),
        ("\n\nOn  my way!\nOn Mon, 1 Jan 2026, Liftwatch wrote:\n> x", Said(Step.DEPART)),
        ("赶往", Said(Step.DEPART)),
        ("on the way: ten minutes", Said(Step.DEPART, comment="ten minutes")),
        ("到场", Said(Step.ARRIVE)),
        ("arrived", Said(Step.ARRIVE)),
        ("解困：两人，均无恙", Said(Step.FREE, comment="两人，均无恙")),
        ("Freed", Said(Step.FREE)),
        ("原因：门锁，7 楼", Said(Step.FILE_CAUSE, cause="门锁，7 楼")),
        ("Cause: door lock: floor 7", Said(Step.FILE_CAUSE, cause="door lock: floor 7")),
        ("收到", Said(Step.ACKNOWLEDGE)),
        ("原因：" + "长" * 900, Said(Step.FILE_CAUSE, cause="长" * 500)),
    ],
)
def test_words_of_both_languages_are_understood(text: str, said: Said) -> None:
    assert understand(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "", "   \n ", "好的我看看", "please accept", "not accept", "不接单", "> 接单", "原因",
        "cause:",
        "On Mon, 1 Jan 2026, Liftwatch wrote:\naccept", "-----Original Message-----\naccept",
        "复查", "verify", "取消", "cancel", "free", "I am free",
    ],
)  # fmt: skip
def test_anything_else_is_answered_with_what_may_be_said(text: str) -> None:
    told = understand(text)
    assert isinstance(told, Text)
    assert told.zh and told.en


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    said = understand(text)
    assert isinstance(said, Text | Said)


def test_every_word_leads_to_one_step() -> None:
    known = [word for some in words.WORDS.values() for word in some]
    assert len(known) == len(set(known))
    assert all(word == word.casefold() for word in known)


# --- tokens ----------------------------------------------------------------------------------


def test_a_token_survives_a_mail_address_and_binds_alert_and_person() -> None:
    token = TOKENS.make(1234567, "张伟-1", T0)
    assert len(token) == 44 and token.isalnum() and token == token.lower()
    people = ["li", "张伟-1", "zhang"]
    for told in (token, token.upper(), f" {token}\n"):
        assert TOKENS.read(told, people, T0) == LinkClaim(1234567, "张伟-1")
    assert TOKENS.read(token, people, T0 + 24 * HOUR - 1) == LinkClaim(1234567, "张伟-1")
    late = TOKENS.read(token, people, T0 + 25 * HOUR)
    assert isinstance(late, Text) and "expired" in late.en
    gone = TOKENS.read(token, ["li"], T0)
    assert isinstance(gone, Text) and "not valid" in gone.en
    assert isinstance(ReplyTokens("other", 24).read(token, people, T0), Text)


@given(st.integers(0, 43), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_token_with_one_other_letter_proves_nothing(place: int, letter: str) -> None:
    token = TOKENS.make(7, "zhang", T0)
    forged = token[:place] + letter + token[place + 1 :]
    found = TOKENS.read(forged, ["zhang", "li"], T0)
    # The last letter carries bits that stand for nothing: it may differ and say the same.
    assert forged == token or place == 43 or isinstance(found, Text)
    assert isinstance(found, Text) or found == LinkClaim(7, "zhang")


@given(st.text(max_size=60))
def test_no_token_breaks_it(token: str) -> None:
    assert isinstance(TOKENS.read(token, ["zhang"], T0), Text)


def test_a_call_back_is_bound_to_its_page_its_channel_and_a_week() -> None:
    callbacks = Callbacks("secret", "http://house/")
    url = callbacks.url("sms", "1:maintenance:zhang:sms", T0)
    front, _, token = url.rpartition("/")
    assert front == "http://house/receipts/sms"
    assert callbacks.read("sms", token, T0 + 6 * 24 * HOUR) == "1:maintenance:zhang:sms"
    assert callbacks.read("voice", token, T0) is None
    assert callbacks.read("sms", token, T0 + 7 * 24 * HOUR) is None
    assert callbacks.read("sms", token[:-1], T0) is None
    assert Callbacks("other", "http://house/").read("sms", token, T0) is None


# --- acting ----------------------------------------------------------------------------------


def made(house: House) -> tuple[Replies, list[int]]:
    woken: list[int] = []
    return Replies(house.desk, TOKENS, lambda: woken.append(1)), woken


def test_an_answer_acts_once_and_is_told_the_same_again(house: House) -> None:
    house.raise_(raised())
    replies, woken = made(house)
    claim = replies.claim(TOKENS.make(1, "zhang", T0), T0 + S)
    first = replies.take("email", "<a@b>", claim, understand("接单"), T0 + S)
    assert (first.code, first.text.zh, first.step) == ("done", "已接单", "accept")
    again = replies.take("email", "<a@b>", claim, understand("接单"), T0 + 60 * S)
    assert again == first
    other = replies.take("email", "<c@d>", claim, understand("accept"), T0 + 60 * S)
    assert (other.code, other.ok) == ("already", True)
    assert "张伟 already accepted" in other.text.en
    assert house.kinds().count("accepted") == 1
    assert house.alert()["owner"] == "张伟"
    assert woken


def test_one_key_of_two_people_or_two_ways_are_two_answers(house: House) -> None:
    house.raise_(raised())
    replies, _ = made(house)
    for way, who in (("mqtt", "zhang"), ("mqtt", "pm1"), ("webhook", "zhang")):
        claim = replies.claim(TOKENS.make(1, who, T0), T0 + S)
        assert replies.take(way, "1", claim, Said(Step.ACKNOWLEDGE), T0 + S).ok
    with reading(house.engine) as conn:
        assert len(conn.execute(select(reply.c.key)).all()) == 3


def test_a_crash_between_the_deed_and_its_record_does_it_once(house: House) -> None:
    house.raise_(raised())
    replies, _ = made(house)
    house.act(1, Step.ACCEPT, "zhang", T0 + S)  # done, and the process ended before the record
    house.restart()
    replies = Replies(house.desk, TOKENS)
    again = replies.take("email", "<a@b>", LinkClaim(1, "zhang"), Said(Step.ACCEPT), T0 + 60 * S)
    assert (again.ok, again.code) == (True, "already")
    assert house.kinds().count("accepted") == 1


def test_without_a_key_a_repeat_is_a_second_tap(house: House) -> None:
    house.raise_(raised())
    replies, _ = made(house)
    claim = LinkClaim(1, "zhang")
    codes = [replies.take("mqtt", "", claim, Said(Step.ACCEPT), T0 + i * S).code for i in (1, 2)]
    assert codes == ["done", "already"]


def test_the_pages_own_link_is_a_token_too(house: House) -> None:
    house.raise_(raised())
    replies, _ = made(house)
    token = house.desk.pages.links.token(1, "zhang", T0)
    assert replies.claim(token, T0 + S) == LinkClaim(1, "zhang")
    expired = replies.claim(token, T0 + 25 * HOUR)
    assert replies.take("mqtt", "k", expired, Said(Step.ACCEPT), T0).code == "not_proven"
    assert house.alert()["accepted_ms"] is None


def test_what_cannot_be_is_told_why_and_changes_nothing(house: House) -> None:
    house.raise_(raised())
    replies, woken = made(house)
    claim = LinkClaim(1, "zhang")
    early = replies.take("email", "k1", claim, understand("原因：门"), T0)
    assert (early.code, early.ok) == ("refused", False)
    assert "passengers are free" in early.text.en
    odd = replies.take("email", "k2", claim, understand("嗯"), T0)
    assert odd.code == "not_understood" and "接单" in odd.text.zh
    verify = replies.take("email", "k3", claim, step_said("verify", None, None), T0)
    assert verify.code == "refused", "four eyes hold here too"
    none = step_said("fly", None, None)
    assert isinstance(none, Text) and "accept" in none.en
    left = replies.take("email", "k4", LinkClaim(1, "nobody"), Said(Step.ACCEPT), T0)
    assert left.code == "not_proven"
    stranger = replies.take("email", "k5", LinkClaim(1, "station1"), Said(Step.ACCEPT), T0)
    assert stranger.code == "refused" and "unit" in stranger.text.en
    assert set(house.kinds()) == {"raised", "paged", "tapped"} and not woken


def test_a_page_key_serves_the_unit_it_was_sent_to(house: House) -> None:
    house.raise_(raised())
    replies, _ = made(house)
    key = "1:maintenance:zhang:mqtt"
    if key not in house.pages():
        key = next(one for one in house.pages() if ":zhang:" in one)
    assert replies.claim_of_page(key, "anda") == LinkClaim(1, "zhang")
    assert isinstance(replies.claim_of_page(key, "haoting"), Text)
    assert isinstance(replies.claim_of_page("1:x:zhang:mqtt", "anda"), Text)


def test_the_answer_goes_out_as_a_page_of_its_own_once(
    tmp_path: Path, site_directory: Make
) -> None:
    book = site_directory(lambda who: f'email = "{who}@example.org"')
    house = House(f"sqlite:///{tmp_path / 'answers.db'}", book)
    house.raise_(raised())
    replies, _ = made(house)
    answer = replies.take("email", "<a@b>", LinkClaim(1, "zhang"), understand("到场"), T0 + S)
    assert write_answer(house.desk, answer, "email", "<a@b>", T0 + S)
    assert not write_answer(house.desk, answer, "email", "<a@b>", T0 + S), "told once"
    assert not write_answer(house.desk, answer, "sms", "<a@b>", T0 + S), "no such address"
    with reading(house.engine) as conn:
        row = conn.execute(select(outbox).where(outbox.c.step == "reply")).mappings().one()
    assert (row["address"], row["state"], row["contact"]) == ("zhang@example.org", "due", "zhang")
    assert "已到场" in row["payload"] and '"severity":"info"' in row["payload"]
    house.engine.dispose()
