"""A page that is marked as a test in every language and every place: for `channel try`."""

from __future__ import annotations

from typing import Any

from alerts.notify.channel import Item
from alerts.pages.page import VERSION
from config.text import Text

WHAT = Text("测试，不是警情", "TEST, not an alert")


def trial(channel: str, address: str, lang: str, now_ms: int, base_url: str) -> Item:
    """Return a test page to one address. It belongs to no alert: its id is 0."""
    link = f"{base_url}/"
    text = Text(
        f"【测试】这是 Liftwatch 的通道测试（{channel}），不是警情，无须处置。\n查看：{link}",
        f"[TEST] This is a test of the channel {channel} of Liftwatch. It is not an alert: "
        f"nothing is to be done.\nSee: {link}",
    )
    page: dict[str, Any] = {
        "v": VERSION,
        "test": True,
        "alert": 0,
        "incident": "test",
        "step": "test",
        "step_text": WHAT.as_json(),
        "severity": "info",
        "rule": "test",
        "code": None,
        "title": Text(f"【测试】{WHAT.zh}", f"[TEST] {WHAT.en}").as_json(),
        "text": text.as_json(),
        "where": {
            "subject_kind": "lift",
            "subject": "test",
            "name": "TEST",
            "place": "测试 TEST",
            "rescue_code": "000000",
        },
        "what": WHAT.as_json(),
        "people": None,
        "with_people": False,
        "since_ms": now_ms,
        "raised_ms": now_ms,
        "sent_ms": now_ms,
        "deadline_ms": None,
        "deadline_text": None,
        "evidence": [],
        "link": link,
        "to": {"contact": "test", "name": "TEST", "unit": "test"},
    }
    return Item(f"test:{now_ms}:{channel}", address, lang, page, 1)
