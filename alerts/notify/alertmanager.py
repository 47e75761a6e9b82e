"""A page in the JSON that Prometheus Alertmanager posts to web hooks (version "4").

For receivers made for Alertmanager. Labels name the alert and never change while it lives;
everything that may change is an annotation. The fingerprint is that of the label `alert` alone, so
it is the same in every page of one alert, in a summary of many, and in the word that it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

VERSION = "4"
NEVER = "0001-01-01T00:00:00Z"  # Go's zero time: how Alertmanager says "has not ended"
_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return 16 hex digits: FNV-1a (64 bit) over the sorted labels, 0xFF after name and value."""
    value = _OFFSET
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            value = ((value ^ byte) * _PRIME) & _MASK
    return f"{value:016x}"


def labels(page: Mapping[str, Any]) -> dict[str, str]:
    """Return what names the alert of a page."""
    where = page["where"]
    found = {
        "alertname": page["what"]["en"],
        "alert": str(page["alert"]),
        "rule": page["rule"],
        "subject": where["subject"],
        "subject_kind": where["subject_kind"],
        "rescue_code": where["rescue_code"],
        "place": where["place"],
        "lift": where["name"],
        "exercise": "true" if page.get("exercise") else "",
    }
    return {name: value for name, value in found.items() if value}


def message(page: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """Return the web hook's body for a page; `resolved_ms` in it says that the alert is over."""
    side = "zh" if lang.startswith("zh") else "en"
    if page.get("summary"):
        return _summary(page, side)
    resolved_ms = page.get("resolved_ms")
    status = "firing" if resolved_ms is None else "resolved"
    named, group = labels(page), {"incident": page["incident"]}
    annotations = {
        "summary": page["title"][side],
        "description": page["text"][side],
        "severity": page["severity"],
        "step": page["step"],
        "people": "" if page["people"] is None else str(page["people"]),
        "with_people": "true" if page["with_people"] else "false",
    }
    alert = {
        "status": status,
        "labels": named,
        "annotations": annotations,
        "startsAt": _moment(page["raised_ms"]),
        "endsAt": NEVER if resolved_ms is None else _moment(resolved_ms),
        "generatorURL": page["link"],
        "fingerprint": fingerprint({"alert": named["alert"]}),
    }
    return _around(page, status, group, named, annotations, [alert])


def _summary(page: Mapping[str, Any], side: str) -> dict[str, Any]:
    """Many alerts in one message, as Alertmanager groups them."""
    alerts = []
    for one in page["members"]:
        named = {"alertname": one["title"]["en"], "alert": str(one["alert"])}
        alerts.append(
            {
                "status": "firing",
                "labels": named,
                "annotations": {"summary": one["title"][side]},
                "startsAt": _moment(page["since_ms"]),
                "endsAt": NEVER,
                "generatorURL": one["link"],
                "fingerprint": fingerprint({"alert": named["alert"]}),
            }
        )
    annotations = {"summary": page["title"][side], "severity": page["severity"]}
    made = _around(page, "firing", {"incident": page["incident"]}, {}, annotations, alerts)
    return made | {"truncatedAlerts": page["members_left_off"]}


def _around(
    page: Mapping[str, Any],
    status: str,
    group: Mapping[str, str],
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    alerts: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "groupKey": f'{{}}:{{incident="{page["incident"]}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": page["to"]["contact"],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": _house(page["link"]),
        "alerts": alerts,
    }


def _moment(at_ms: int) -> str:
    stamp = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def _house(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"
