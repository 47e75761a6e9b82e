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
BULK_DONE = {
    "done": 1,
    "results": [
        {
            "id": 17,
            "outcome": "done",
            "message": "done: acknowledged",
            "text": {"zh": "已确认", "en": "done: acknowledged"},
        }
    ],
}
COUNTS = {
    "severity": {"critical": 1},
    "rule": {"1": 1},
    "street_office": {"street-1": 1},
    "maintenance": {"firm-a": 1},
    "use_unit": {"property-1": 1},
    "owner": {"-": 1},
    "state": {"open": 1, "unacknowledged": 1, "aside": 0},
    "people": {"true": 1},
    "total": {"all": 1},
}
AWAY = {
    "newest": 88,
    "since_ms": 1790000000000,
    "raised": {"count": 1, "alerts": [ALERT]},
    "escalated": {"count": 0, "alerts": []},
    "closed": {"count": 0, "alerts": []},
}
STEP_DONE = {
    "ok": True,
    "changed": True,
    "message": "done: accepted",
    "text": {"zh": "已接单", "en": "done: accepted"},
    "alert": DETAIL,
}
DRILL = {
    "id": 18,
    "lift": "31105001082012000001",
    "name": "1 号梯",
    "place": "龙湖花园 3 栋",
    "rule": "1",
    "text": {"zh": "【演练】非平层困人", "en": "[EXERCISE] trapped, not level"},
    "people": 2,
    "raised_ms": 1790000000000,
    "closed_ms": 1790001200000,
    "rescue_state": "cause_filed",
    "owner": "王强",
    "on_time": True,
    "ms": {
        "delivered": 400,
        "answer": 41000,
        "way": 612000,
        "freeing": 180000,
        "whole": 833000,
    },
}
QUALITY: dict[str, Any] = {
    "v": 1,
    "from_ms": 1789400000000,
    "to_ms": 1790004800000,
    "positions": 1,
    "alarms": 412,
    "left_out": {"exercises": 3, "late": 0, "notices": 25},
    "rate": {
        "per_hour": 2.45,
        "per_10min": 0.41,
        "peak_10min": 9.0,
        "peak_at_ms": 1789650200000,
        "hours_over_30_share": 0.0,
    },
    "flood": {
        "windows": 1008,
        "over": 0,
        "share": 0.0,
        "time_share": 0.0,
        "count": 0,
        "floods": [],
    },
    "chattering": {"count": 0, "alarms": []},
    "stale": {"count": 0, "alarms": []},
    "priority": [{"severity": "critical", "alarms": 20, "share": 0.049, "recommended": 0.05}],
    "bad_actors": {"onsets": 455, "top10_share": 0.2, "alarms": []},
    "acknowledged": {
        "alarms": 412,
        "acknowledged": 401,
        "share": 0.97,
        "median_ms": 41000,
        "p90_ms": 180000,
        "by_severity": {},
    },
    "rules": [
        {
            "rule": "1",
            "text": {"zh": "非平层困人", "en": "trapped, not level"},
            "alarms": 12,
            "judged": 11,
            "false": 1,
            "false_share": 0.09,
        }
    ],
    "days": [{"day": "2026-09-15", "alarms": 60, "peak_10min": 4.0, "over": 0}],
    "verdicts": [
        {
            "id": "per_hour",
            "text": {"zh": "每岗位每小时", "en": "alarms an hour and position"},
            "value": 2.45,
            "limit": 12.0,
            "ok": True,
        }
    ],
}
DEADLINE = {
    "alert": 17,
    "id": "arrival",
    "text": {"zh": "到场时限", "en": "Arrival limit"},
    "due_ms": 1790000900000,
    "result": "met",
    "result_text": {"zh": "按时", "en": "met"},
    "met_ms": 1790000660000,
    "margin_ms": 240000,
    "reason": None,
    "limit": True,
}
STORY = {
    "v": 1,
    "alert": 17,
    "incident": "lift:31105001082012000001:1789999970000",
    "made_ms": 1790003600000,
    "exercise": False,
    "milestones": [
        {"id": "raised", "text": {"zh": "报警", "en": "Alert"}, "at_ms": 1790000000000, "by": ""}
    ],
    "durations": [
        {
            "id": "answer",
            "text": {"zh": "通知 → 应答", "en": "Call → answer"},
            "from_ms": 1790000000000,
            "to_ms": 1790000060000,
            "ms": 60000,
            "running": False,
        }
    ],
    "deadlines": [DEADLINE],
    "calls": [],
    "timeline": [],
}
DRAFT = {
    "v": 1,
    "draft": True,
    "alert": 17,
    "due": True,
    "missing": 14,
    "sections": [
        {
            "id": "event",
            "text": {"zh": "事故发生", "en": "The event"},
            "fields": [
                {
                    "id": "floor",
                    "text": {"zh": "轿厢位置（楼层）", "en": "Where the car stood (floor)"},
                    "value": None,
                }
            ],
        }
    ],
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
REGISTRY_ROW: dict[str, Any] = {
    "kind": "lift",
    "id": "31105001082012000001",
    "state": "two_gateways",
    "state_text": {"zh": "两个网关上报", "en": "seen by two gateways"},
    "default": {
        "zh": "只收登记的网关，另一个拒收并存于隔离区",
        "en": "the registered gateway counts; the other is refused and kept in quarantine",
    },
    "registered_ms": 1780000000000,
    "first_seen_ms": 1780000060000,
    "moved_ms": None,
    "moved_from": None,
    "device_since_ms": None,
    "retired_ms": None,
    "question": None,
    "gateway": "gw-01",
    "name": "1 号梯",
    "place": "龙湖花园 3 栋",
    "street_office": "street-1",
    "sensor_set": "",
    "missing": [],
    "last_ms": 1790000000000,
    "seen_by": [
        {
            "gateway": "gw-02",
            "topic": "lift/v1/gw-02/telemetry",
            "first_ms": 1789990000000,
            "last_ms": 1790000000000,
            "count": 120,
            "size": 24000,
            "sample": '{"v":1,"boot":1790000000000,"seq":7,"lift":"31105001082012000001"}',
        }
    ],
}
REGISTRY_LIST = {"entries": [REGISTRY_ROW], "next_cursor": None}
REGISTRY_SUMMARY = {
    "lifts": {"two_gateways": 1, "ok": 199},
    "gateways": {"ok": 12},
    "states": {
        "ok": {
            "text": {"zh": "正常", "en": "as registered"},
            "default": {"zh": "正常监测", "en": "watched"},
        }
    },
    "sites": [{"street_office": "street-1", "lifts": {"ok": 20}}],
    "sensor_sets": [],
}
REGISTRY_DONE = {
    "ok": True,
    "message": "belongs to gw-02 now",
    "text": {"zh": "已归网关 gw-02", "en": "belongs to gw-02 now"},
}
CREDENTIAL = {
    "username": "gw-07",
    "gateway": "gw-07",
    "kind": "certificate",
    "state": "good",
    "serial": "65f2cc69101f4a745260012b51d09bcff07da868",
    "fingerprint": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    "created_ms": 1790000000000,
    "created_by": "admin",
    "expires_ms": 1861280000000,
    "ends_ms": None,
    "revoked_ms": None,
    "reason": None,
}
CLAIMED = {
    "gateway": "gw-09",
    "username": "gw-09",
    "client_id": "gateway-gw-09",
    "kind": "password",
    "expires_ms": None,
    "password": "…",
    "certificate": None,
    "key": None,
    "ca": None,
    "broker": "mqtts://broker.example:8883",
    "write": ["lift/v1/gw-09/telemetry"],
    "read": ["lift/v1/gw-09/ack"],
}
CODE_MADE = {"gateway": "gw-09", "code": "7KQ2M-XA09T", "expires_ms": 1790003600000}
REVOKED = {"gateway": "gw-09", "revoked": ["gw-09"]}
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
