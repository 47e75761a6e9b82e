"""The words of states, steps and severities, as messages of the catalogue.

Written as functions of the catalogue so that the extraction of messages finds each literal; each
is made once a catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from alerts.model import SEVERITIES, AlarmState, Aside, RescueState, Role, Step
from monitor.web.i18n import Catalogue


@cache
def severities(catalogue: Catalogue) -> Mapping[str, str]:
    """Severity → word."""
    _ = catalogue.gettext
    return dict(zip(SEVERITIES, (_("Critical"), _("Major"), _("Minor"), _("Info")), strict=True))


@cache
def alarm_states(catalogue: Catalogue) -> Mapping[str, str]:
    """Alarm state → word."""
    _ = catalogue.gettext
    return {
        AlarmState.UNACKNOWLEDGED: _("Unacknowledged"),
        AlarmState.ACKNOWLEDGED: _("Acknowledged"),
        AlarmState.RETURNED: _("Returned, unacknowledged"),
        AlarmState.LATCHED: _("Latched, to be verified"),
        AlarmState.CLOSED: _("Closed"),
    }


@cache
def asides(catalogue: Catalogue) -> Mapping[str, str]:
    """How an alert is set aside → word."""
    _ = catalogue.gettext
    return {
        Aside.NONE: "",
        Aside.SHELVED: _("Shelved"),
        Aside.SUPPRESSED: _("Suppressed by design"),
        Aside.OUT_OF_SERVICE: _("Lift out of service"),
    }


def hours(catalogue: Catalogue, choices: Sequence[int]) -> Mapping[int, str]:
    """Hours → how long that is in words."""
    found = {}
    for n in choices:
        if n > 24:
            word = catalogue.ngettext("%(n)d day", "%(n)d days", n // 24) % {"n": n // 24}
        else:
            word = catalogue.ngettext("%(n)d hour", "%(n)d hours", n) % {"n": n}
        found[n] = word
    return found


@cache
def rescue_states(catalogue: Catalogue) -> Mapping[str, str]:
    """Rescue state → word."""
    _ = catalogue.gettext
    return {
        RescueState.NONE: "",
        RescueState.RAISED: _("Nobody has accepted yet"),
        RescueState.ACCEPTED: _("Accepted"),
        RescueState.ON_THE_WAY: _("On the way"),
        RescueState.ARRIVED: _("Arrived"),
        RescueState.FREED: _("Freed"),
        RescueState.CAUSE_FILED: _("Cause filed"),
        RescueState.VERIFIED: _("Verified"),
        RescueState.CANCELLED: _("Cancelled"),
    }


@cache
def steps(catalogue: Catalogue) -> Mapping[str, str]:
    """Step → what its button says."""
    _ = catalogue.gettext
    return {
        Step.ACKNOWLEDGE: _("Acknowledge"),
        Step.ACCEPT: _("Accept the job"),
        Step.DEPART: _("On my way"),
        Step.ARRIVE: _("Arrived on site"),
        Step.FREE: _("Passengers freed"),
        Step.FILE_CAUSE: _("File the cause"),
        Step.VERIFY: _("Verify and close"),
        Step.CANCEL: _("Cancel the alert"),
        Step.SHELVE: _("Shelve"),
        Step.UNSHELVE: _("Take from the shelf"),
    }


@cache
def roles(catalogue: Catalogue) -> Mapping[str, str]:
    """Role → word."""
    _ = catalogue.gettext
    return {
        Role.OPERATOR: _("duty desk"),
        Role.FIRM: _("firm"),
        Role.ADMIN: _("administrator"),
        Role.VIEWER: _("big screen: may look, not act"),
        Role.SYSTEM: _("system"),
    }
