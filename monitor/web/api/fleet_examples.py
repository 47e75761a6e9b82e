"""Examples of the fleet's answers for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from monitor.web.api.examples import LIFT

LIFTS: dict[str, Any] = {
    "lifts": [
        LIFT
        | {
            "label": "1 号梯",
            "fleet_state": "normal",
            "matched": {"field": "place", "form": "initials"},
        }
    ],
    "total": 1,
    "next_cursor": None,
}
STATES: dict[str, Any] = {
    "cursor": "9f1c22ab.5d0e4b1f3c2a7788.41",
    "roster": "7c1a90d2e4f5b6a8",
    "now_ms": 1790000000000,
    "behind_ms": 140,
    "full": False,
    "at": [17, 204],
    "codes": "D2",
}
ROSTER: dict[str, Any] = {
    "roster": "7c1a90d2e4f5b6a8",
    "datum": "wgs84",
    "reg_code": ["31105001082012000001"],
    "rescue_code": ["770101"],
    "label": ["1 号梯"],
    "places": ["龙湖花园 3 栋"],
    "place": [0],
    "groups": {
        "street_office": [{"id": "street-1", "name": {"zh": "石桥铺街道", "en": "Shiqiaopu"}}]
    },
    "of_group": {"street_office": [0]},
    "lat": [2953000],
    "lon": [10646000],
}
OVERVIEW: dict[str, Any] = {
    "by": "street_office",
    "groups": [
        {
            "id": "street-1",
            "name": {"zh": "石桥铺街道", "en": "Shiqiaopu"},
            "lifts": 812,
            "states": {
                "people": 1, "critical": 0, "major": 3, "minor": 7, "silent": 12, "out": 5,
                "normal": 784,
            },
            "people": 3,
            "arrived": 0.9987,
        }
    ],
    "states": {
        "people": 1, "critical": 0, "major": 3, "minor": 7, "silent": 12, "out": 5, "normal": 784,
    },
}  # fmt: skip
OUTLINES: dict[str, Any] = {
    "datum": "wgs84",
    "features": [
        {
            "kind": "office",
            "name": {"zh": "石桥铺街道", "en": "Shiqiaopu"},
            "lines": [[[106.4, 29.5], [106.5, 29.5], [106.5, 29.6], [106.4, 29.5]]],
            "closed": True,
        }
    ],
}
GLANCE: dict[str, Any] = {
    "now_ms": 1790000000000,
    "cars": 1,
    "people": 3,
    "severities": {"critical": {"open": 1, "unacknowledged": 0}},
    "deadlines": [
        {
            "id": 17,
            "severity": "critical",
            "place": "龙湖花园 3 栋",
            "name": "1 号梯",
            "rule_text": {"zh": "非平层困人", "en": "trapped, not level"},
            "due_ms": 1790000720000,
            "due_text": {"zh": "到场时限将至", "en": "arrival is nearly due"},
        }
    ],
    "states": OVERVIEW["states"],
}
