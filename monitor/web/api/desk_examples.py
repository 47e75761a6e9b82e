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
_ABOUT: dict[str, Any] = {
    "alert": 17,
    "severity": "critical",
    "severity_text": {"zh": "紧急", "en": "CRITICAL"},
    "what": {"zh": "非平层困人", "en": "trapped, not level"},
    "subject_kind": "lift",
    "subject": "31105001082012000001",
    "place": "龙湖花园 3 栋",
    "name": "1 号梯",
}
OPEN: dict[str, Any] = _ABOUT | {
    "raised_ms": 1790000000000,
    "people": {"zh": "3 人", "en": "3"},
    "stage": "accepted",
    "stage_text": {"zh": "接单", "en": "Accepted"},
    "stage_ms": 1790000060000,
    "owner": "王强",
    "owner_unit": {"zh": "安达维保", "en": "Anda Maintenance"},
    "arrival_due_ms": 1790000900000,
    "note": {"text": "钥匙在门卫", "by": "刘洋", "at_ms": 1790000100000},
}
FREED: dict[str, Any] = _ABOUT | {
    "people": 2,
    "raised_ms": 1789990000000,
    "freed_ms": 1789991500000,
    "accept_took_ms": 40000,
    "arrive_took_ms": 610000,
    "freed_took_ms": 1500000,
    "arrive_limit_ms": 900000,
    "in_time": True,
    "accident": False,
}
_SPREAD = {"total": 9, "critical": 2, "major": 3, "minor": 4, "info": 0}
REPORT: dict[str, Any] = {
    "v": 1,
    "from_ms": 1789987200000,
    "to_ms": 1790030400000,
    "as_of_ms": 1790000000000,
    "running": True,
    "officers": ["刘洋"],
    "open": [OPEN],
    "open_total": 1,
    "raised": _SPREAD,
    "closed": _SPREAD,
    "freed": [FREED],
    "freed_people": 2,
    "escalations": [],
    "escalations_total": 0,
    "false_alarms": [],
    "asides": [],
    "drills": [],
    "service": {"undelivered": 0, "nobody": 0, "fallback": 0, "now": []},
    "gateways": [],
    "journal": {"first": 881, "last": 1204, "hash": "9f2c…"},
}
SIGNATURES: dict[str, Any] = {
    "id": 4,
    "given_by": "liuyang",
    "given_ms": 1790030400000,
    "remark": "3 号楼今日检修",
    "taken_by": "chenchen",
    "taken_ms": 1790030520000,
    "digest": "5d0a…",
}
HANDOVER: dict[str, Any] = {"report": REPORT, "signed": SIGNATURES}
SIGNED: dict[str, Any] = {"signed": SIGNATURES}
SHIFTS: dict[str, Any] = {
    "shifts": [{"from_ms": 1789987200000, "to_ms": 1790030400000, "officers": ["刘洋"]}],
    "signed": [],
}
