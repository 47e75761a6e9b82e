"""Examples of a lift's past for the OpenAPI document; the tests hold them against answers."""

from __future__ import annotations

from typing import Any

from monitor.web.api.examples import answer

_LIFT = {"reg_code": "31105001082012000001"}
_SPAN = _LIFT | {"from_ms": 1790000000000, "to_ms": 1790003600000}
CURVES = answer(
    _SPAN
    | {
        "width_ms": 6000,
        "ts_ms": [1790000000000],
        "samples": [6],
        "late": [0],
        "channels": {"speed": {"unit": "m/s", "lo": [0.0], "hi": [1.75], "last": [0.4]}},
        "gaps": [{"from_ms": 1790000006000, "to_ms": 1790003600000}],
    }
)
MARKS = answer(_LIFT | {"alerts": [], "visits": [], "power_cuts": []})
TRIPS = answer(
    _SPAN
    | {
        "set_off_ms": [1790000000000],
        "arrived_ms": [1790000014000],
        "columns": {"travel_s": [14.0], "opening_s": [2.6], "levelling_mm": [-1.5]},
    }
)
_FEATURE: dict[str, Any] = {
    "name": "opening_time",
    "text": {"zh": "开门时间", "en": "door opening time"},
    "unit": "s",
    "trips": 4120,
    "warm_up": 30,
    "level": 2.61,
    "sigma": 0.18,
    "z": 0.4,
    "up": 0.0,
    "down": 0.0,
    "limit": 24.0,
    "drifts": 0,
    "since_ms": None,
    "peers_z": 0.1,
    "trip": {"value": [2.7], "normal": [2.61], "spread": [0.18]},
}
DRIFT = answer(_SPAN | {"arrived_ms": [1790000014000], "features": [_FEATURE]})
MESSAGES = answer(
    _SPAN
    | {
        "codes": [
            {
                "code": 2,
                "text": {"zh": "关门故障", "en": "door closing fault"},
                "times": 3,
                "last_ms": 1790000000000,
            }
        ],
        "messages": [],
        "next_cursor": None,
    }
)
VISITS = answer(
    _SPAN
    | {
        "visits": [
            {"kind": "inspection_mode", "from_ms": 1790000000000, "to_ms": 1790001800000},
        ]
    }
)
QUALITY = answer(
    _SPAN
    | {
        "days": [
            {
                "from_ms": 1790000000000,
                "samples": 86100,
                "expected": 86400,
                "late": 12,
                "heard_share": 0.9965,
            }
        ],
        "gaps": [],
        "given_up": [],
        "refused": [],
        "sensors": {"presence_quality": 0.98},
        "gateway": "gw-1",
    }
)
DOCUMENTS = answer(
    _LIFT
    | {
        "inspection_due": "2027-03-01",
        "last_visit": "2026-11-20",
        "planned_visit": None,
        "maintenance": "firm-a",
        "use_unit": "property-1",
        "street_office": "street-1",
        "days_since_visit": 9.0,
        "days_to_inspection": 92.0,
        "hours_since_voice_test": 31.5,
        "voice_test_failed": 0.0,
        "battery_test_failed": 0.0,
        "visit_on_record": 0.0,
    }
)
ALERTS = answer(_LIFT | {"alerts": [], "next_cursor": None})
CSV = """ts_ms,time (Asia/Shanghai),speed [m/s],door_state
1790000000000,2026-09-21T21:33:20.000+0800,1.75,2
"""
EXPORT = answer(_LIFT | {"state": "running", "share": 0.42, "rows": 36288, "bytes": 1814400})
