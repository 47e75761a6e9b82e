"""Examples of administration for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from monitor.web.api.examples import answer

ACCOUNTS = answer(
    {
        "accounts": [
            {
                "name": "li.wei",
                "role": "operator",
                "unit": None,
                "created_ms": 1780000000000,
                "signed_in_ms": 1790000000000,
                "locked_ms": None,
                "invited_until_ms": None,
            }
        ]
    }
)
JOURNAL = answer(
    {
        "lines": [
            {
                "id": 88,
                "at_ms": 1790000060000,
                "alert_id": 17,
                "kind": "accepted",
                "actor": "wang (dispatch)",
                "role": "firm",
                "unit": "firm-a",
                "data": {"comment": "on our way", "ok": True},
                "prev_hash": "870fa464bf2583f99915a97bd33c77cafc3876861be22040541c073ff7c85be6",
                "hash": "319572d8714b9160629892750b1930ba950142cf914fe455c893f8695d5e4bed",
            }
        ],
        "next_cursor": "WyJqb3VybmFsIiw4OF0",
    },
    maps=["data"],
)
CHAINS = answer(
    {
        "file": "chains.toml",
        "shipped": True,
        "profile": "urban",
        "profiles": {"urban": 900.0},
        "chains": [
            {
                "id": "R",
                "text": {"zh": "救援", "en": "rescue"},
                "rescue": True,
                "rules": ["1"],
                "steps": [
                    {
                        "id": "desk",
                        "text": {"zh": "通知值班台", "en": "tell the duty desk"},
                        "after_s": 0.0,
                        "of_arrival": None,
                        "to": ["operator"],
                        "until": ["acknowledged"],
                        "every_channel": False,
                        "channels": ["sms"],
                        "severities": ["critical"],
                    }
                ],
            }
        ],
    },
    maps=["profiles"],
)
_CALLED = {
    "step": "desk",
    "text": {"zh": "通知值班台", "en": "tell the duty desk"},
    "at_ms": 1790000000000,
    "at": "2026-09-21T21:33:20+08:00",
    "roles": ["operator"],
    "until": ["acknowledged"],
    "until_text": [{"zh": "有人确认", "en": "somebody acknowledges"}],
    "mark": None,
    "people": [
        {
            "id": "c-desk",
            "name": "值班台",
            "unit": "desk",
            "unit_name": {"zh": "区值班台", "en": "duty desk"},
            "phone": "023-68000000",
            "lang": "zh",
            "channels": [["mqtt"]],
        }
    ],
    "fallbacks": [],
}
EXPLAINED = answer(
    {
        "subject_kind": "lift",
        "subject": "31105001082012000001",
        "name": "1 号梯",
        "place": "龙湖花园 3 栋",
        "group": "",
        "maintenance": "firm-a",
        "use_unit": "property-1",
        "rule": "1",
        "rule_text": {"zh": "非平层困人", "en": "trapped, not level"},
        "bell": True,
        "severity": "critical",
        "chain": "R",
        "profile": "urban",
        "at_ms": 1790000000000,
        "at": "2026-09-21T21:33:20+08:00",
        "arrival_due_ms": 1790000900000,
        "steps": [_CALLED],
    }
)
_VALUES: dict[str, Any] = {
    "name_zh": "非平层困人",
    "name_en": "passengers trapped between floors",
    "when": "with_people and certain(car_stands and not at_level and door_shut)",
    "hold_s": 30,
    "severity": "critical",
    "latched": True,
}
_RULE: dict[str, Any] = {
    "id": "1",
    "text": {"zh": "非平层困人", "en": "passengers trapped between floors"},
    "values": _VALUES,
    "code": 1012,
    "group": "car",
    "source": "file",
    "file": "rules.toml",
    "file_values": {},
    "changes": {},
    "set_aside": None,
    "version": 0,
    "changed_by": None,
    "changed_ms": None,
    "counts": {"open": 1, "last_30_days": 12, "judged": 11, "false": 1, "false_share": 0.09},
}
RULES = answer(
    {"file": "rules.toml", "rules": [_RULE], "set_aside": {}}, maps=["values"]
)  # fmt: skip
RULE = answer(
    {
        "rule": _RULE | {"names": ["with_people"]},
        "file_rule": {"id": "1", "hold_s": 30, "latched": True},
        "versions": [],
    },
    maps=["values", "file_rule"],
)
UNITS = answer(
    {
        "units": [
            {
                "id": "firm-a",
                "kind": "maintenance",
                "name": {"zh": "安达维保", "en": "Anda Maintenance"},
                "contacts": ["c-1", "c-2"],
                "roster": True,
                "on_duty": ["c-1"],
                "gaps": [{"from_ms": 1790000000000, "to_ms": 1790086400000}],
            }
        ]
    }
)
ROSTER = answer(
    {
        "month": "2026-09",
        "shifts": [
            {
                "line": "main",
                "from_ms": 1790000000000,
                "to_ms": 1790028800000,
                "contacts": ["c-1"],
            }
        ],
        "gaps": [{"from_ms": 1790028800000, "to_ms": 1790115200000}],
    }
)
FORMATS = answer(
    {
        "formats": [
            {
                "name": "lift/v1",
                "text": {"zh": "自有格式", "en": "our own format"},
                "topic": "lift/v1/{gateway}/telemetry, lift/v1/{gateway}/message",
                "file": "",
                "read": True,
            }
        ],
        "code_maps": [
            {
                "name": "bacnet",
                "text": {"zh": "BACnet 电梯与扶梯对象", "en": "BACnet Lift and Escalator objects"},
                "topic": "gbt24476/bacnet/{gateway}/{kind}",
                "file": "bacnet.toml",
                "read": False,
                "codes": 22,
                "open": 13,
            }
        ],
        "unknown_codes": [
            {"gateway": "gw-01", "code": "4711", "count": 3, "last_ms": 1790000000000}
        ],
    }
)
CHECK = answer(
    {
        "check": {
            "state": "done",
            "done": 12000,
            "total": 12000,
            "at_ms": 1790000000000,
            "by": "admin",
            "head": "12000 319572d8714b9160629892750b1930ba",
            "findings": [],
            "more": False,
            "ok": True,
        }
    }
)
RETENTION = answer(
    {
        "retention": {
            "retention_days": 400,
            "quarantine_mb": 512,
            "kept_from_ms": 1755440000000,
            "oldest_ms": 1770000000000,
            "segments": 230,
            "due": {"segments": 0, "samples": 0, "bytes": 0},
            "soon": {"segments": 0, "samples": 0, "bytes": 0, "days": 30},
        },
        "parts": [
            {
                "name": "segments",
                "text": {"zh": "历史：整日的分段", "en": "history: segments of whole days"},
                "files": 230,
                "bytes": 51200000,
            }
        ],
        "disk": {"total": 270553174016, "free": 77263040512},
    }
)
