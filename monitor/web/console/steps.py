"""The buttons of an alert: each step by role and state, its key, and why it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.lifecycle import moves
from alerts.lifecycle.moves import Done
from alerts.model import Role, Step
from monitor.web import terms, views
from monitor.web.words import Words, opening

KEYS: Final[Mapping[str, str]] = {
    Step.ACKNOWLEDGE: "a",
    Step.ACCEPT: "c",
    Step.DEPART: "d",
    Step.ARRIVE: "r",
    Step.FREE: "f",
    Step.FILE_CAUSE: "u",
    Step.VERIFY: "v",
    Step.CANCEL: "x",
    Step.SHELVE: "s",
    Step.UNSHELVE: "s",
}
"""One letter a step; it leads to the button, Enter presses it. Other keys: keys_view."""


def refused_steps(
    words: Words, alert: Mapping[str, Any], role: Role, zone: ZoneInfo
) -> list[dict[str, str]]:
    """Return the steps that are not possible now, each with the reason: `word`, `why`."""
    names = terms.steps(words.catalogue)
    done = {
        Step(step): Done(str(who["name"]), int(who["at_ms"]))
        for step, who in (alert.get("done") or {}).items()
    }
    found = []
    for step in Step:
        if step is Step.UNSHELVE:
            continue
        outcome = moves.apply(
            views.state_of(alert), step, role, tz=zone, comment="?", cause="?", done=done
        )
        if not isinstance(outcome, moves.Moved):
            found.append({"word": names[step], "why": opening(words.text(outcome.text))})
    return found


def keys_view(words: Words) -> list[tuple[str, str]]:
    """Return the keys of the page as (key, what it does)."""
    _ = words.catalogue.gettext
    names = terms.steps(words.catalogue)
    more = [
        ("n", _("Hand-over note")),
        ("p", _("Play or pause the replay")),
        ("← →", _("One second back or on, in the replay")),
        ("?", _("This list")),
    ]
    return [
        (key, names[Step(step)]) for step, key in KEYS.items() if step is not Step.UNSHELVE
    ] + more
