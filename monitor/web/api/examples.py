"""Examples for the OpenAPI document; the tests hold them against real answers."""

from __future__ import annotations

from typing import Any

ALERT: dict[str, Any] = {
    "id": 17,
    "rule": "1",
    "rule_text": {"zh": "非平层困人", "en": "trapped, not level"},
    "code": 1012,
    "severity": "critical",
    "subject_kind": "lift",
    "subject": "31105001082012000001",
    "place": "龙湖花园 3 栋",
    "name": "1 号梯",
    "lift_type": "passenger",
    "maintenance": "firm-a",
    "use_unit": "property-1",
    "street_office": "street-1",
    "people": 3,
    "with_people": True,
    "raised_ms": 1790000000000,
    "since_ms": 1789999970000,
    "cleared_ms": None,
    "closed_ms": None,
    "alarm_state": "acknowledged",
    "rescue_state": "accepted",
    "owner": "王强",
    "chain": "R",
    "next_due_ms": 1790000720000,
    "next_due_text": {"zh": "到场时限将至", "en": "arrival is nearly due"},
    "latched": True,
    "aside": "none",
    "aside_until_ms": None,
    "aside_reason": None,
    "evidence": [{"name": "door_zone", "value": 0.0, "since_ms": 1789999969000}],
    "version": 3,
}
DELIVERY = {
    "step": "maintenance",
    "unit": "firm-a",
    "contact": "firm-a-1",
    "channel": "webhook",
    "state": "delivered",
    "attempts": 1,
    "created_ms": 1790000000000,
    "delivered_ms": 1790000000210,
    "reached_ms": 1790000003100,
    "read_ms": 1790000015400,
}
LINE = {
    "id": 88,
    "at_ms": 1790000060000,
    "alert_id": 17,
    "kind": "accepted",
    "actor": "王强",
    "role": "firm",
    "unit": "firm-a",
    "data": {},
}
DETAIL = ALERT | {
    "timeline": [LINE],
    "deliveries": [DELIVERY],
    "timers": [
        {
            "step": "arrival_warning",
            "due_ms": 1790000720000,
            "state": "pending",
            "text": {"zh": "到场时限将至", "en": "arrival is nearly due"},
        }
    ],
    "legal_steps": ["depart", "arrive", "free"],
}
STEP_DONE = {
    "ok": True,
    "changed": True,
    "message": "done: accepted",
    "text": {"zh": "已接单", "en": "done: accepted"},
    "alert": DETAIL,
}
ORDER = {
    "id": 5,
    "kind": "out_of_service",
    "subject_kind": "lift",
    "subject": "31105001082012000001",
    "rules": [],
    "reason": "replacing the ropes",
    "begun_by": "刘洋",
    "from_ms": 1790000000000,
    "until_ms": 1790028800000,
}
ORDER_DONE = {
    "ok": True,
    "changed": True,
    "message": "done: out of service until 16:00",
    "text": {"zh": "已停用，至 16:00", "en": "done: out of service until 16:00"},
    "order": 5,
}
LIFT = {
    "reg_code": "31105001082012000001",
    "rescue_code": "500101",
    "name": "1 号梯",
    "place": "龙湖花园 3 栋",
    "street_office": "street-1",
    "use_unit": "property-1",
    "maintenance": "firm-a",
    "state": "moving",
    "severity": None,
    "position": 7,
    "door": "closed",
    "direction": "up",
    "people": 2,
    "fresh": True,
    "last_ms": 1790000000000,
}
LIFT_DETAIL = LIFT | {"live": {"speed": {"value": 1.75, "ts_ms": 1790000000000}}}
SERIES = {
    "reg_code": "31105001082012000001",
    "channel": "speed",
    "unit": "m/s",
    "from_ms": 1789999940000,
    "to_ms": 1790000000000,
    "ts_ms": [1789999999000, 1790000000000],
    "values": [1.75, None],
}
PROBLEM = {
    "type": "urn:liftwatch:problem:invalid",
    "title": "invalid",
    "status": 422,
    "detail": "severity: 'urgent': should be 'critical', 'major', 'minor' or 'info'",
    "text": {"zh": "severity 有误：'urgent'", "en": "severity: 'urgent': should be …"},
    "field": "severity",
    "value": "urgent",
}


def answer(example: object, words: str = "As described") -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route with one example."""
    content = {"application/json": {"example": example}}
    return {200: {"description": words, "content": content}}


def _problem(status: int, words: str) -> dict[str, Any]:
    example = PROBLEM | {"status": status}
    return {"description": words, "content": {"application/problem+json": {"example": example}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _problem(401, "Not signed in"),
    403: _problem(403, "Not for this role, or a page without X-CSRF-Token"),
    404: _problem(404, "Not there, or not this unit's"),
    409: _problem(409, "The step is not possible now; the text says why"),
    422: _problem(422, "A parameter is wrong; `field` names it"),
    429: _problem(429, "Too many failed attempts to sign in"),
}
