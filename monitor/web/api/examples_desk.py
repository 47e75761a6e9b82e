"""Examples of links, quarantine and claim codes for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from monitor.web.api.examples import answer

CLAIMS = answer(
    {
        "claims": [
            {
                "gateway": "gw-09",
                "created_ms": 1790000000000,
                "created_by": "admin",
                "expires_ms": 1790003600000,
                "vendor": "acme",
                "place": "龙湖花园",
                "lifts": ["31105001082012000001"],
            }
        ]
    }
)
_FIGURES: dict[str, Any] = {
    "samples": 864000,
    "late": 120,
    "expected": 864060,
    "missing": 60,
    "messages": 17280,
    "rejected": 2,
    "repeats": 4,
    "disordered": 0,
    "fields": 1,
    "delay_p50_ms": 180.0,
    "delay_p99_ms": 940.5,
    "shares": {
        "late": 0.0001,
        "missing": 0.00007,
        "repeats": 0.0002,
        "disordered": 0.0,
        "rejected": 0.0001,
        "fields": 0.000001,
    },
    "refused": {"out_of_range": 1},
}
_GATEWAY: dict[str, Any] = _FIGURES | {
    "gateway": "gw-01",
    "vendor": "acme",
    "place": "龙湖花园",
    "lifts": 12,
    "gaps": 0,
    "clock_offset_s": 0.2,
    "drift_s_day": 0.01,
    "wrong_clocks": 0,
    "badness": 0.4,
}
_MINUTES = {
    "samples": [600],
    "late": [0],
    "expected": [600],
    "missing": [0],
    "messages": [12],
    "rejected": [0],
    "repeats": [0],
    "disordered": [0],
    "fields": [0],
    "p50_ms": [180.0],
    "p99_ms": [900.0],
    "gaps": [0],
}
_WITH_MINUTES = _GATEWAY | {"minutes": _MINUTES}
LINKS = answer(
    {"gateways": [_WITH_MINUTES], "next_cursor": None}, maps=["refused"], optional=["minutes"]
)
VENDORS = answer(
    {
        "vendors": [
            _FIGURES
            | {
                "vendor": "acme",
                "gateways": 3,
                "gaps": 0,
                "clock_offset_s": 0.2,
                "wrong_clocks": 0,
            }
        ]
    },
    maps=["refused"],
)
LINK = answer(
    {
        "gateway": _WITH_MINUTES,
        "lifts": [
            {
                "lift": "31105001082012000001",
                "name": "1 号梯",
                "place": "龙湖花园 3 栋",
                "clock_offset_s": 0.1,
                "drift_s_day": 0.0,
                "known_since_ms": 1790000000000,
            }
        ],
    },
    maps=["refused"],
)
_WAY_OUT = {"zh": "速度单位应为 m/s", "en": "speed is in m/s"}
_REFUSAL = {
    "reason": "out_of_range",
    "field": "speed",
    "value": "35.0",
    "limit": "-20..20 m/s",
    "lift": "31105001082012000001",
    "way_out": _WAY_OUT,
}
_ENDED: dict[str, Any] = {"state": "open", "ended_ms": None, "ended_by": None, "why": None}
_KEPT: dict[str, Any] = {
    "id": 7,
    "at_ms": 1790000000000,
    "gateway": "gw-01",
    "topic": "lift/v1/gw-01/telemetry",
    "size": 48,
    "payload": "eyJ2IjoxLCJib290IjoxLCJzZXEiOjd9",
}
REFUSED = answer({"refused": [_KEPT | _REFUSAL | _ENDED], "next_cursor": None})
REASONS = answer(
    {
        "reasons": [
            {
                "reason": "out_of_range",
                "rows": 120,
                "bytes": 5760,
                "first_ms": 1789990000000,
                "last_ms": 1790000000000,
                "gateways": ["gw-01"],
                "gateway_count": 1,
            }
        ]
    }
)
RUN_JSON: dict[str, Any] = {
    "id": 3,
    "kind": "replay",
    "state": "running",
    "filter": {"ids": [7], "state": "open"},
    "by": "admin",
    "why": None,
    "asked_ms": 1790000000000,
    "begun_ms": 1790000001000,
    "ended_ms": None,
    "total": 1200,
    "done": 400,
    "counts": {"taken": 396},
    "error": None,
}
RUNS = answer({"runs": [RUN_JSON], "next_cursor": None}, maps=["filter", "counts"])
RUN = answer({"run": RUN_JSON}, maps=["filter", "counts"])
MESSAGE = answer(
    _KEPT
    | _ENDED
    | {
        "boot": 1790000000000,
        "seq": 7,
        "cut": False,
        "run": None,
        "took": {},
        "refusals": [_REFUSAL | {"at": [24, 28]}],
        "today": {"samples": 1, "messages": 0, "bursts": 0, "refusals": []},
    }
)
