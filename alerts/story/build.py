"""The story of an incident as JSON: facts, milestones, durations, deadlines, calls, timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from alerts.chains.ladder import Chains, ChainStep
from alerts.desk.work import evidence_of
from alerts.directory.units import Directory
from alerts.lifecycle.causes import Causes
from alerts.model import Role
from alerts.pages.page import SEVERITY_TEXT, Pages, people_text
from alerts.story.deadlines import judge
from alerts.story.gather import Gathered, Row, gather
from alerts.story.words import (
    DURATIONS,
    MILESTONES,
    OTHER_STEPS,
    PAGE_STATES,
    PARTS,
    RESULTS,
    channel_text,
    event_text,
)
from config.text import Text

VERSION = 1
TWIN_MS = 120_000
Json = dict[str, Any]
_STAMPS = (
    "accepted", "departed", "arrived", "freed", "cause_filed", "verified", "cancelled",
)  # fmt: skip
_STEP_OF: Mapping[str, str] = {
    "acknowledged": "acknowledge", "accepted": "accept", "departed": "depart",
    "arrived": "arrive", "freed": "free", "cause_filed": "file_cause", "verified": "verify",
    "cancelled": "cancel",
}  # fmt: skip


@dataclass(frozen=True)
class Teller:
    """What is needed to say an incident in words; the same objects the desk works with."""

    chains: Chains
    directory: Directory
    pages: Pages
    causes: Causes

    def person(self, contact: str) -> str:
        """Return a contact's name, its id when the directory no longer has it."""
        found = self.directory.contacts.get(contact)
        return found.name if found else contact

    def unit(self, ident: str | None) -> Text:
        """Return a unit's name in both languages."""
        found = self.directory.units.get(ident or "")
        return found.name if found else Text(ident or "–", ident or "–")


def build_story(
    conn: Connection, teller: Teller, alert_id: int, now_ms: int, unit: str | None = None
) -> Json | None:
    """Return the story of an alert's incident, JSON-ready; None when it is not `unit`'s to see.

    Every text is {"zh", "en"}, every time epoch ms, every duration ms. To a unit it tells its own
    alerts alone, and of other units' calls no errors or receipts.
    """
    got = gather(conn, alert_id, unit)
    if got is None:
        return None
    asked = got.asked
    milestones = _milestones(got)
    over_ms = _over_ms(got)
    cause = next((r["cause"] for r in [asked, *got.same_lift] if r["cause"]), None)
    cause_text = teller.causes.words(cause)
    return {
        "v": VERSION,
        "alert": alert_id,
        "incident": asked["incident"],
        "made_ms": now_ms,
        "exercise": bool(asked.get("exercise")),
        "severity": asked["severity"],
        "severity_text": SEVERITY_TEXT[asked["severity"]].as_json(),
        "what": {"zh": asked["rule_zh"], "en": asked["rule_en"]},
        "place": _place(teller, asked),
        "people": _people(got),
        "units": _units(got, teller),
        "evidence": _evidence(got, teller),
        "milestones": milestones,
        "durations": _durations(milestones, None if over_ms else now_ms),
        "deadlines": _deadlines(got, teller, now_ms),
        "calls": _calls(got, teller, unit),
        "timeline": _timeline(got, teller, unit),
        "alerts": [_member(row) for row in got.alerts],
        "left_out": got.left_out,
        "over_ms": over_ms,
        "accident": any(row["accident"] for row in got.same_lift),
        "cause": cause_text.as_json() if cause_text else None,
        "photos": [
            {
                "alert": row["alert_id"],
                "hash": row["hash"],
                "at_ms": row["at_ms"],
                "by": row["name"],
                "width": row["width"],
                "height": row["height"],
            }
            for row in got.photos
        ],
        "journal": _seal(got),
    }


def _place(teller: Teller, row: Row) -> Json:
    found = {
        name: row[name]
        for name in ("subject_kind", "subject", "name", "place", "rescue_code", "lift_type")
    }
    found["street_office"] = teller.unit(row["street_office"]).as_json()
    return found


def _people(got: Gathered) -> Json:
    """The most that any alert of the car has told."""
    rows = got.same_lift
    most = {
        "people": max((r["people"] or 0 for r in rows), default=0) or None,
        "with_people": any(r["with_people"] for r in rows),
    }
    return most | {"text": people_text(most).as_json()}


def _units(got: Gathered, teller: Teller) -> list[Json]:
    """The lift's own units first, then all that were called; each with its first answer."""
    answers: dict[str, Row] = {}
    parts: dict[str, str] = {}
    for row in got.units:
        parts.setdefault(row["unit"], row["part"])
        first = answers.get(row["unit"])
        at_ms = row["answered_ms"]
        if at_ms is not None and (first is None or at_ms < first["answered_ms"]):
            answers[row["unit"]] = row
    order = {"use_unit": 0, "maintenance": 1}
    found = []
    for ident in sorted(parts, key=lambda one: (order.get(parts[one], 2), one)):
        known, answer = teller.directory.units.get(ident), answers.get(ident)
        found.append(
            {
                "id": ident,
                "part": parts[ident],
                "part_text": PARTS.get(parts[ident], Text(parts[ident], parts[ident])).as_json(),
                "name": teller.unit(ident).as_json(),
                "phone": known.phone if known else "",
                "answered_ms": answer["answered_ms"] if answer else None,
                "answered_by": answer["answered_by"] if answer else None,
            }
        )
    return found


def _evidence(got: Gathered, teller: Teller) -> list[Json]:
    """Each value once: the first alert of the car that named it."""
    found: dict[tuple[str, float | None], Json] = {}
    for row in got.same_lift:
        for one in evidence_of(dict(row)):
            told = one.as_json() | {"alert": row["id"], "text": teller.pages.words(one).as_json()}
            found.setdefault((one.name, one.value), told)
    return list(found.values())


def _milestones(got: Gathered) -> list[Json]:
    """First time of each stage over all alerts of the car, in order of time."""
    rows = got.same_lift
    ids = {row["id"] for row in rows}
    pages = [page for page in got.pages if page["alert_id"] in ids]
    found = [
        _milestone("signal", _first(row["since_ms"] for row in rows)),
        _milestone("raised", _first(row["raised_ms"] for row in rows)),
        _milestone("called", _first(page["created_ms"] for page in pages)),
        _milestone("delivered", _first(page["delivered_ms"] for page in pages)),
        _milestone("read", _first(page["read_ms"] for page in pages)),
        _answer(got, ids),
    ]
    found += [_stamp(rows, name) for name in _STAMPS]
    if all(row["closed_ms"] is not None for row in rows):
        found.append(_milestone("closed", max(row["closed_ms"] for row in rows)))
    return sorted((one for one in found if one), key=lambda one: int(one["at_ms"]))


def _first(times: Iterable[int | None]) -> int | None:
    return min((at for at in times if at is not None), default=None)


def _milestone(name: str, at_ms: int | None, by: str = "") -> Json | None:
    if at_ms is None:
        return None
    return {"id": name, "text": MILESTONES[name].as_json(), "at_ms": at_ms, "by": by}


def _stamp(rows: Iterable[Row], name: str) -> Json | None:
    stamped = [row for row in rows if row[f"{name}_ms"] is not None]
    if not stamped:
        return None
    first = min(stamped, key=lambda row: int(row[f"{name}_ms"]))
    who = orjson.loads(first["done"]).get(_STEP_OF[name], {})
    return _milestone(name, first[f"{name}_ms"], who.get("name", ""))


def _answer(got: Gathered, ids: set[int]) -> Json | None:
    """The first sign of life from anybody called: a tap of any kind."""
    lines = [
        line
        for line in got.lines
        if line["alert_id"] in ids
        and line["role"] != Role.SYSTEM
        and line["kind"] in ("acknowledged", "accepted", "answered", "departed", "arrived", "freed")
    ]
    if not lines:
        return None
    first = min(lines, key=lambda line: (line["at_ms"], line["id"]))
    return _milestone("answered", first["at_ms"], first["actor"])


def _over_ms(got: Gathered) -> int | None:
    closed = [row["closed_ms"] for row in got.same_lift]
    return None if None in closed else max(closed)


def _durations(milestones: list[Json], now_ms: int | None) -> list[Json]:
    """`ms` None: it did not come to it. `running`: it has begun and goes on.

    `now_ms` None: all is over, and nothing goes on.
    """
    at = {one["id"]: int(one["at_ms"]) for one in milestones}
    found = []
    for ident, start, end, text in DURATIONS:
        running = start in at and end not in at and now_ms is not None
        end_ms = at.get(end, now_ms)
        ms = max(0, end_ms - at[start]) if start in at and end_ms is not None else None
        found.append(
            {
                "id": ident,
                "text": text.as_json(),
                "from_ms": at.get(start),
                "to_ms": at.get(end),
                "ms": ms,
                "running": running,
            }
        )
    return found


def _deadlines(got: Gathered, teller: Teller, now_ms: int) -> list[Json]:
    """Judged alert by alert; alarms of one car a moment apart share theirs, told once."""
    found: list[Json] = []
    told: dict[tuple[str, str, str], int] = {}
    for row in got.alerts:
        timers = [timer for timer in got.timers if timer["alert_id"] == row["id"]]
        answered = {
            one["unit"]: one["answered_ms"]
            for one in got.units
            if one["alert_id"] == row["id"] and one["answered_ms"] is not None
        }
        for one in judge(row, timers, answered, teller.chains, now_ms):
            key = (row["subject"], one.id, one.result)
            if one.due_ms - told.get(key, -TWIN_MS - 1) > TWIN_MS:
                told[key] = one.due_ms
                result = {"result_text": RESULTS[one.result].as_json()}
                found.append(one.as_json(row["closed_ms"] or now_ms) | result)
    return sorted(found, key=lambda one: (one["due_ms"], one["alert"]))


def _calls(got: Gathered, teller: Teller, unit: str | None) -> list[Json]:
    """Who was called through what, when it was handed over, delivered, read, and how it ended."""
    chain_of = {row["id"]: row["chain"] for row in got.alerts}
    found = []
    for page in sorted(got.pages, key=lambda page: (page["created_ms"], page["id"])):
        step = teller.chains.step(chain_of[page["alert_id"]], page["step"])
        own = unit is None or page["unit"] == unit
        found.append(
            {
                "alert": page["alert_id"],
                "step": page["step"],
                "why": _why(page["step"], step).as_json(),
                "who": teller.person(page["contact"]),
                "contact": page["contact"],
                "unit": page["unit"],
                "unit_name": teller.unit(page["unit"]).as_json(),
                "channel": page["channel"],
                "channel_text": channel_text(page["channel"]).as_json(),
                "state": page["state"],
                "state_text": PAGE_STATES.get(
                    page["state"], Text(page["state"], page["state"])
                ).as_json(),
                "attempts": page["attempts"],
                "created_ms": page["created_ms"],
                "delivered_ms": page["delivered_ms"],
                "reached_ms": page["reached_ms"],
                "read_ms": page["read_ms"],
                "receipt": page["receipt"] if own else None,
                "error": page["last_error"] if own else None,
            }
        )
    return found


def _why(name: str, step: ChainStep | None) -> Text:
    return step.text if step else OTHER_STEPS.get(name) or Text(name, name)


def _timeline(got: Gathered, teller: Teller, unit: str | None) -> list[Json]:
    found = [
        {
            "id": None,
            "at_ms": row["since_ms"],
            "alert": row["id"],
            "kind": "signal",
            "text": MILESTONES["signal"].as_json(),
            "actor": "",
            "person": False,
            "more": Text(row["rule_zh"], row["rule_en"]).as_json(),
        }
        for row in got.alerts
    ]
    for line in got.lines:
        person = line["role"] != Role.SYSTEM
        found.append(
            {
                "id": line["id"],
                "at_ms": line["at_ms"],
                "alert": line["alert_id"],
                "kind": line["kind"],
                "text": event_text(line["kind"]).as_json(),
                "actor": line["actor"] if person else "",
                "person": person,
                "more": _more(teller, line, unit).as_json(),
            }
        )
    return sorted(found, key=lambda one: (one["at_ms"], one["id"] or 0))


def _more(teller: Teller, line: Row, unit: str | None) -> Text:
    """What a line adds to its kind: the step, the people, the cause, what somebody wrote."""
    data = line["data"]
    parts: list[Text] = []
    if isinstance(data.get("text"), Mapping):
        parts.append(Text(data["text"].get("zh", ""), data["text"].get("en", "")))
    if data.get("contacts"):
        names = "、".join(str(one["name"]) for one in data["contacts"])
        parts.append(Text(names, names.replace("、", ", ")))
    if data.get("contact"):
        name = teller.person(str(data["contact"]))
        parts.append(Text(name, name))
    if data.get("channel"):
        parts.append(channel_text(str(data["channel"])))
    cause = teller.causes.words(data.get("cause"))
    if cause is not None:
        parts.append(cause)
    own = unit is None or data.get("unit") == unit
    for name in ("comment", "error") if own else ("comment",):
        if data.get(name):
            parts.append(Text(str(data[name]), str(data[name])))
    return Text(" · ".join(p.zh for p in parts if p.zh), " · ".join(p.en for p in parts if p.en))


def _member(row: Row) -> Json:
    return {
        "id": row["id"],
        "rule": row["rule"],
        "text": {"zh": row["rule_zh"], "en": row["rule_en"]},
        "severity": row["severity"],
        "subject": row["subject"],
        "name": row["name"],
        "place": row["place"],
        "people": row["people"],
        "with_people": bool(row["with_people"]),
        "raised_ms": row["raised_ms"],
        "cleared_ms": row["cleared_ms"],
        "closed_ms": row["closed_ms"],
        "alarm_state": row["alarm_state"],
        "rescue_state": row["rescue_state"],
    }


def _seal(got: Gathered) -> Json:
    """By which lines of the journal this story can be checked."""
    if not got.lines:
        return {"first": None, "last": None, "hash": None}
    last = max(got.lines, key=lambda line: int(line["id"]))
    first = min(int(line["id"]) for line in got.lines)
    return {"first": first, "last": last["id"], "hash": last["hash"]}
