"""Examples of a unit's desk, of push and of the hand-over; held against real answers."""

from __future__ import annotations

from typing import Any

from monitor.web.api.examples import ALERT

UNIT_ROW: dict[str, Any] = {
    "unit": "firm-a",
    "kind": "maintenance",
    "name": {"zh": "安达维保", "en": "Anda Maintenance"},
    "lifts": 120,
    "open": 3,
}
TIME: dict[str, Any] = {
    "count": 11,
    "median_ms": 41000,
    "p95_ms": 96000,
    "limit_ms": 60000,
    "judged": 12,
    "in_time": 10,
    "share": 0.833,
}
TIMES: dict[str, Any] = {
    "from_ms": 1787400000000,
    "to_ms": 1790000000000,
    "rescues": 12,
    "steps": {"accept": TIME, "arrive": TIME, "freed": TIME},
}
COLLEAGUE = {"id": "firm-a-1", "name": "王强", "phone": "13900000000"}
TURN: dict[str, Any] = {
    "line": "main",
    "post": "member",
    "contacts": [COLLEAGUE],
    "until_ms": 1790035200000,
    "next": [COLLEAGUE],
    "next_until_ms": 1790640000000,
}
DUE: dict[str, Any] = {
    "lift": "31105001082012000001",
    "place": "龙湖花园 3 栋",
    "name": "1 号梯",
    "what": "visit",
    "day": "2026-09-20",
    "days": -2,
}
FIRM: dict[str, Any] = {
    "unit": "firm-a",
    "kind": "maintenance",
    "name": {"zh": "安达维保", "en": "Anda Maintenance"},
    "phone": "023-68000000",
    "now_ms": 1790000000000,
    "alerts": [ALERT],
    "more_alerts": False,
    "duty": [TURN],
    "lifts": 120,
    "states": {"silent": [], "alert": ["31105001082012000001"], "out": [], "moving": []},
    "due": [DUE],
    "times": TIMES,
}
DEVICE: dict[str, Any] = {
    "id": 3,
    "contact": "firm-a-1",
    "device": "Android · Chrome",
    "created_ms": 1790000000000,
    "service": "fcm.googleapis.com",
}
PUSH: dict[str, Any] = {
    "public_key": "BN4GvZtEZiZuqFxSKVZfSfluwKBD7UxHNBmWkfiZfCtgDE8Bwh-_…",
    "contacts": [{"id": "firm-a-1", "name": "王强"}],
    "subscriptions": [DEVICE],
}
