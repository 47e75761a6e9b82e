"""Which alerts belong together: a silent gateway is one alert, one car or one feeder one incident.

Grouping never hides a car with people in it: such a lift keeps its own alert, whatever else is
said about its gateway or its feeder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from alerts.directory.subjects import Subject, Subjects
from alerts.model import Evidence, Transition

SILENCE_RULE = "23"
SILENCE_RULES = (SILENCE_RULE, "23b")  # silent, and silent for a day: each is one alert a gateway


@dataclass(frozen=True, slots=True)
class Fold:
    """What is left after folding, and which lift transitions the gateways now speak for."""

    transitions: list[Transition] = field(default_factory=list)
    folded: list[tuple[str, Transition]] = field(default_factory=list)


def fold(
    transitions: Iterable[Transition],
    silent: Collection[str],
    subjects: Subjects,
    *,
    spoken_for: Collection[str] = (),
    now_ms: int,
    rule: str = SILENCE_RULE,
) -> Fold:
    """Turn the silence of all lifts of a silent gateway into one transition of the gateway.

    Args:
        transitions: of one batch or tick.
        silent: ids of the gateways that are silent as a whole now.
        subjects: to find a lift's gateway.
        spoken_for: ids of gateways that have an open alert for `rule`; one of them that is not
            silent any more gets a clearing transition.
        now_ms: event time of that clearing.
        rule: the silence rule.
    """
    result = Fold()
    groups: dict[str, list[Transition]] = {}
    for one in transitions:
        gateway = _gateway(one, silent, subjects, rule)
        if gateway is None:
            result.transitions.append(one)
        else:
            groups.setdefault(gateway, []).append(one)
            result.folded.append((gateway, one))
    for gateway, members in groups.items():
        if gateway not in spoken_for:
            result.transitions.append(_of_gateway(gateway, members, rule))
    for gateway in spoken_for:
        if gateway not in silent:
            result.transitions.append(Transition("gateway", gateway, rule, False, now_ms, now_ms))
    return result


def _gateway(one: Transition, silent: Collection[str], subjects: Subjects, rule: str) -> str | None:
    if one.rule != rule or one.subject_kind != "lift" or not one.raised or one.with_people:
        return None
    gateway = subjects.gateway_of(one.subject)
    return gateway if gateway in silent else None


def _of_gateway(gateway: str, members: list[Transition], rule: str) -> Transition:
    since = min(one.since_ms for one in members)
    return Transition(
        subject_kind="gateway",
        subject=gateway,
        rule=rule,
        raised=True,
        at_ms=max(one.at_ms for one in members),
        since_ms=since,
        evidence=(Evidence("silent_lifts", float(len(members)), since),),
        batch=members[0].batch,
    )


def incident_base(group: str, rescue: bool, subject: Subject) -> str | None:
    """Return what an alert shares its incident by, None when it stands alone.

    The incident key of the first alert is `base:since_ms`; later ones with the same base join it
    while one of them is open.
    """
    if group == "feeder" and subject.feeder:
        return f"feeder:{subject.feeder}"
    if group == "gateway" and subject.gateway:
        return f"gateway:{subject.gateway}"
    if group == "car" or rescue:
        return f"{subject.kind}:{subject.id}"
    return None
