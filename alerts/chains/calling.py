"""Whom a step would call, and how: the one place where escalation and `chain explain` ask.

Pure: nothing is written, nothing is read but the directory and the chains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from alerts.chains.ladder import Chain, Chains, ChainStep
from alerts.directory.units import Contact, Directory, Found, Served
from alerts.model import RuleMeta

Way = tuple[str, str]  # channel, address
WEBPUSH: Final = "webpush"
Devices = Callable[[str], tuple[int, ...]]
"""Contact → the browsers that get their pages as well (alerts.notify.subscriptions)."""


def no_devices(_contact: str) -> tuple[int, ...]:
    """Return no browser: where nobody has subscribed one."""
    return ()


@dataclass(frozen=True, slots=True)
class Called:
    """Whom a step calls: each person once, and for each of its roles how they were found."""

    contacts: tuple[Contact, ...]
    roles: tuple[tuple[str, Found], ...]


def called(directory: Directory, step: ChainStep, subject: Served, at_ms: int) -> Called:
    """Return whom a step calls for a subject at a moment."""
    roles = tuple((role, directory.who(role, subject, at_ms)) for role in step.to)
    people = {contact.id: contact for _, found in roles for contact in found.contacts}
    return Called(tuple(people.values()), roles)


def ways(step: ChainStep, contact: Contact) -> list[list[Way]]:
    """Return how a person is reached: groups of channels that are tried one after another, the
    groups all at once."""
    own = dict(contact.addresses)
    first = [(name, own[name]) for name in step.channels if name in own]
    rest = [(name, address) for name, address in own.items() if name not in step.channels]
    if not step.every_channel:
        return [first + rest]
    return [[way] for way in (first or rest)]


def planned(
    chains: Chains, chain: Chain, profile: str, severity: str, start_ms: int
) -> Iterator[tuple[ChainStep, int]]:
    """Yield the steps of an alert with the moment each is due, in the chain's order."""
    for step in chain.steps_for(severity):
        yield step, step.due_ms(start_ms, chains.profiles[profile])


def graded(rule: RuleMeta, with_people: bool) -> tuple[str, str]:
    """Return severity and chain of a rule's alert."""
    severity = (rule.severity_with_people if with_people else None) or rule.severity
    chain = (rule.chain_with_people if with_people else None) or rule.chain
    return severity, chain
