"""Examples of what surrounds an alert; the tests hold them against real answers."""

from __future__ import annotations

from typing import Any

from monitor.web.api.examples import ALERT

REPLAY: dict[str, Any] = {
    "alert": 17,
    "from_ms": 1789999730000,
    "to_ms": 1790000180000,
    "since_ms": 1789999970000,
    "raised_ms": 1790000000000,
    "now_ms": 1790000300000,
    "fresh_ms": 10000,
    "live": True,
    "floors": [1, 18],
    "gaps": [[0, 12000]],
    "channels": {
        "door_state": {
            "word": "Car door",
            "unit": "",
            "kind": "enum",
            "words": {"2": "closed", "4": "open"},
            "strip": True,
            "t": [12000, 205000, 449000],
            "v": [4, 2, 2],
        }
    },
    "moments": [{"at_ms": 1789999935000, "text": "Car door: closed", "mark": ""}],
}
LIVE: dict[str, Any] = {
    "now_ms": 1790000300000,
    "live": True,
    "values": {"car_position": [7, 1790000299000], "speed": [0, 1790000299000]},
}
RELATED: dict[str, Any] = {
    "member_count": 1,
    "members": [ALERT],
    "same_site": [ALERT],
    "same_lift": {
        "total": 1,
        "false": 0,
        "alerts": [
            {
                "id": 4,
                "rule": "1",
                "rule_text": {"zh": "非平层困人", "en": "trapped, not level"},
                "raised_ms": 1780000000000,
                "since_ms": 1779999970000,
                "closed_ms": 1780003600000,
                "cleared_ms": 1780001500000,
                "people": 1,
                "with_people": True,
                "cause": "door.landing_lock",
                "rescue_state": "verified",
                "cancelled_ms": None,
                "lasted_ms": 1530000,
                "verdict": "true",
            }
        ],
    },
}
NOTE: dict[str, Any] = {
    "note": {"text": "Key: guard, gate 2", "version": 1, "at_ms": 1790000100000, "name": "刘洋"},
    "history": [{"at_ms": 1790000100000, "name": "刘洋", "text": "Key: guard, gate 2"}],
}
