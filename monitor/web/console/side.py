"""What stands around an alert: the timeline, calls, and where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from alerts.model import Role
from devices.registry import place_and_name
from monitor.web import lifts, terms
from monitor.web.ports import ServicePort
from monitor.web.views import cause_word
from monitor.web.words import Words, opening


def event_words(words: Words) -> Mapping[str, str]:
    """Return the kinds of journal lines in words."""
    _ = words.catalogue.gettext
    return {
        "raised": _("Raised"),
        "again": _("Reported again"),
        "upgraded": _("Now with people in the car"),
        "inherited": _("Joined to a rescue under way"),
        "cleared": _("Condition gone"),
        "closed": _("Closed"),
        "acknowledged": _("Acknowledged"),
        "accepted": _("Accepted"),
        "departed": _("On the way"),
        "arrived": _("Arrived"),
        "freed": _("Freed"),
        "cause_filed": _("Cause filed"),
        "verified": _("Verified"),
        "cancelled": _("Cancelled"),
        "answered": _("Answered"),
        "tapped": _("Tried"),
        "shelved": _("Shelved"),
        "suppressed": _("Suppressed by design"),
        "out_of_service": _("Set aside: the lift is out of service"),
        "resumed": _("Pages again"),
        "paged": _("Called"),
        "withdrawn": _("Calls withdrawn"),
        "fallback": _("Called somebody else instead"),
        "nobody": _("Nobody to call"),
        "firm": _("Another firm's contract began"),
        "accident": _("Accident class"),
        "delivered": _("Page delivered"),
        "reached": _("Page reached the person"),
        "read": _("Page read"),
        "next_channel": _("Trying the next channel"),
        "undelivered": _("Page could not be delivered"),
        "photo": _("Photo added"),
        "note": _("Hand-over note"),
        "note_off": _("Hand-over note taken off"),
        "exercise": _("Exercise begun"),
        "exercise_over": _("Exercise over"),
    }


def timeline_views(
    port: ServicePort, words: Words, alert: Mapping[str, Any], now_ms: int
) -> list[dict[str, Any]]:
    """Return the journal of an alert as lines to read, the newest first."""
    kinds = event_words(words)
    lines = []
    for line in alert["timeline"]:
        if line["kind"] in ("delivered", "reached", "sending", "failed"):
            continue  # stands in the list of calls
        person = line["role"] != Role.SYSTEM
        lines.append(
            {
                "kind": line["kind"],
                "clock": words.clock(line["at_ms"], now_ms),
                "word": kinds.get(line["kind"], line["kind"]),
                "actor": line["actor"] if person else "",
                "person": person,
                "group": _group(line["kind"], person),
                "more": _more(port, words, line["data"], now_ms),
            }
        )
    return lines[::-1]


_CALLS = (
    "paged", "withdrawn", "fallback", "nobody", "read", "next_channel", "undelivered", "summarised",
)  # fmt: skip


def _group(kind: str, person: bool) -> str:
    """Return by which filter a line is found: what people did, who was called, what was seen."""
    return "calls" if kind in _CALLS else "people" if person else "signals"


def _contact(port: ServicePort, ident: str) -> str:
    found = port.directory.contacts.get(ident)
    return found.name if found else ident


def _more(port: ServicePort, words: Words, data: Mapping[str, Any], now_ms: int) -> str:
    parts = []
    if data.get("outcome") and data.get("step"):
        parts.append(terms.steps(words.catalogue)[data["step"]])
    if isinstance(data.get("text"), Mapping):
        parts.append(opening(words.text(data["text"])))
    if data.get("contacts"):
        parts.append(", ".join(str(one["name"]) for one in data["contacts"]))
    if data.get("contact"):
        parts.append(_contact(port, str(data["contact"])))
    if data.get("cause"):
        parts.append(cause_word(words, str(data["cause"])))
    if data.get("comment"):
        parts.append(str(data["comment"]))
    if data.get("until_ms"):
        until = words.clock(int(data["until_ms"]), now_ms)
        parts.append(words.catalogue.gettext("until %(time)s") % {"time": until})
    return " · ".join(parts)


def delivery_views(
    port: ServicePort, words: Words, alert: Mapping[str, Any], now_ms: int
) -> list[dict[str, Any]]:
    """Return who was called, how, when it arrived and was read, and who of the unit answered."""
    _ = words.catalogue.gettext
    states = {
        "due": (_("waiting"), ""),
        "leased": (_("sending"), ""),
        "delivered": (_("delivered"), "good"),
        "withdrawn": (_("withdrawn"), ""),
        "dead": (_("failed"), "bad"),
    }
    channels = {
        "webhook": _("web hook"),
        "email": _("e-mail"),
        "mqtt": "MQTT",
        "alertmanager": "Alertmanager",
        "sms": _("short message"),
        "voice": _("telephone"),
        "apprise": _("messenger"),
    }
    steps = {t["step"]: words.text(t["text"]) for t in alert["timers"]}
    steps |= {"reply": _("answer to a reply"), "resolved": _("the alert is over")}
    answers = {
        one["unit"]: (one["answered_by"], one["answered_ms"])
        for one in alert["units"]
        if one["answered_ms"]
    }
    views = []
    for row in alert["deliveries"]:
        contact = port.directory.contacts.get(row["contact"])
        unit = port.directory.units.get(row["unit"])
        word, tone = states.get(row["state"], (row["state"], ""))
        who = contact.name if contact else row["contact"]
        answered = answers.get(row["unit"], ("", 0))[1]
        unit_name = unit.name.of(words.lang) if unit else row["unit"]
        times = [(_("called"), row["created_ms"])]
        for moment, said in (
            ("delivered_ms", _("delivered")),
            ("reached_ms", _("reached")),
            ("read_ms", _("read")),
        ):
            if row[moment] is not None:
                word, tone = said, "good"
                times.append((said, row[moment]))
        views.append(
            {
                "who": who,
                "unit": "" if who.startswith(unit_name) else unit_name,
                "state": word,
                "tone": tone,
                "why": opening(steps.get(row["step"], row["step"])),
                "channel": channels.get(row["channel"], row["channel"]),
                "times": [(said, words.clock(at_ms, now_ms)) for said, at_ms in times],
                "answered": words.clock(answered, now_ms) if answered else "",
                "answered_by": answers.get(row["unit"], ("", 0))[0],
            }
        )
    return views


Fact = tuple[str, str, str | None]


def place_facts(
    port: ServicePort, words: Words, alert: Mapping[str, Any], scope: str | None
) -> list[Fact]:
    """Return where it is and who is responsible, as (name, value, link)."""
    _ = words.catalogue.gettext
    lift = port.registry.find(str(alert["subject"]))
    open_lift = lift is not None and lifts.may_see(lift, scope)
    name = str(alert.get("name") or alert["subject"])
    found: list[Fact] = [
        (_("Lift"), name, f"/lifts/{alert['subject']}" if open_lift else None),
        (_("Place"), str(alert.get("place") or "–"), map_link(lift, port.settings.web.map_url)),
        (_("Rescue code"), str(alert.get("rescue_code") or "–"), None),
        (_("Registration code"), str(alert["subject"]), None),
        (_("Kind"), words.lift_type(str(alert.get("lift_type") or "–")), None),
    ]
    if alert["subject_kind"] == "gateway":
        found = [(_("Gateway"), name, None), found[1]]
    elif alert["subject_kind"] == "unit":  # nobody of it is on duty
        found = [(_("Unit"), name, None)]
    return found + unit_facts(port, words, alert)


def unit_facts(port: ServicePort, words: Words, holder: Mapping[str, Any]) -> list[Fact]:
    """Return use unit, maintenance and street office with their telephones."""
    _ = words.catalogue.gettext
    names = {
        "use_unit": _("Use unit"),
        "maintenance": _("Maintenance"),
        "street_office": _("Street office"),
    }
    found: list[Fact] = []
    for part, name in names.items():
        unit = port.directory.units.get(str(holder.get(part) or ""))
        if unit is None:
            continue
        found.append((name, unit.name.of(words.lang), None))
        if unit.phone:
            found.append(("", unit.phone, f"tel:{unit.phone}"))
    return found


def map_link(lift: Any, template: str) -> str | None:
    """Return an address that opens a map at the lift; None where either is not known."""
    if lift is None or not template or not (lift.lat or lift.lon):
        return None
    name = quote(place_and_name(lift.place, lift.name), safe="")
    for key, value in (("lat", f"{lift.lat:.6f}"), ("lon", f"{lift.lon:.6f}"), ("name", name)):
        template = template.replace(f"{{{key}}}", value)
    return template


def done_steps(words: Words, alert: Mapping[str, Any], now_ms: int) -> list[dict[str, Any]]:
    """Return the steps taken so far, in order: what a second opening of a link shows."""
    kinds = event_words(words)
    past = {
        "acknowledge": "acknowledged",
        "accept": "accepted",
        "depart": "departed",
        "arrive": "arrived",
        "free": "freed",
        "file_cause": "cause_filed",
        "verify": "verified",
        "cancel": "cancelled",
    }
    taken = sorted(alert["done"].items(), key=lambda item: item[1]["at_ms"])
    return [
        {
            "step": step,
            "word": kinds[past[step]],
            "actor": who["name"],
            "clock": words.clock(who["at_ms"], now_ms),
        }
        for step, who in taken
    ]
