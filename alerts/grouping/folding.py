"""Keeps which lifts a silent gateway speaks for, so none is forgotten when it returns without them.

`grouping.fold` decides; this keeps the decision in the database. When a gateway is back, each of
its lifts has `unfold_s` to be heard; one that stays silent then gets an alert of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, func, select, update

from alerts.database.bulk import among, insert_rows, parts
from alerts.database.tables import alert, folded
from alerts.desk import inbox
from alerts.desk.work import Work
from alerts.directory.subjects import Subjects
from alerts.grouping import incidents
from alerts.grouping.incidents import SILENCE_RULES
from alerts.model import Evidence, Transition

KEY: Final = ("subject", "rule", "since_ms")

# A lift whose time to be heard is over by `now_ms`.
UNFOLD_DUE: Final = (
    select(folded.c.subject)
    .where(folded.c.done.is_(False), folded.c.unfold_ms <= bindparam("now_ms"))
    .limit(1)
    .scalar_subquery()
    .label("unfold")
)


@dataclass
class Folding:
    """Durable side of the grouping by gateway."""

    subjects: Subjects
    unfold_s: float

    def at_rest(self, conn: Connection) -> bool:
        """True while no gateway is spoken of: silence sets alone then change nothing."""
        undone = select(folded.c.subject).where(folded.c.done.is_(False)).limit(1)
        spoken = any(self._spoken_for(conn, rule) for rule in SILENCE_RULES)
        return not spoken and conn.execute(undone).first() is None

    def fold(
        self, work: Work, transitions: list[Transition], silent: Collection[str]
    ) -> list[Transition]:
        """Return what is left to apply when these gateways are silent as a whole."""
        for rule in SILENCE_RULES:
            transitions = self._fold(work, transitions, silent, rule)
        return transitions + self._gone_again(work, silent)

    def _fold(
        self, work: Work, transitions: list[Transition], silent: Collection[str], rule: str
    ) -> list[Transition]:
        gateways = self._spoken_for(work.conn, rule)
        result = incidents.fold(
            transitions, silent, self.subjects, spoken_for=gateways, now_ms=work.now_ms, rule=rule
        )
        self._keep(work, result.folded)
        returned = [gateway for gateway in gateways if gateway not in silent]
        if returned:
            work.conn.execute(
                update(folded)
                .where(folded.c.gateway.in_(returned), folded.c.done.is_(False))
                .where(folded.c.rule == rule)
                .values(unfold_ms=work.now_ms + round(self.unfold_s * 1000))
            )
        return result.transitions

    def _spoken_for(self, conn: Connection, rule: str) -> list[str]:
        """The gateways whose silence is told, counting what is accepted and not worked off yet."""
        open_now = conn.execute(
            select(alert.c.subject).where(
                alert.c.subject_kind == "gateway",
                alert.c.rule == rule,
                alert.c.closed_ms.is_(None),
                alert.c.cleared_ms.is_(None),
            )
        )
        found = dict.fromkeys(open_now.scalars())
        for gateway, raised in inbox.of_kind(conn, "gateway", rule):
            found.pop(gateway, None)
            found |= {gateway: None} if raised else {}
        return list(found)

    def _gone_again(self, work: Work, silent: Collection[str]) -> list[Transition]:
        """A gateway that falls silent before all its lifts were heard speaks for them again."""
        rows = work.conn.execute(
            select(folded.c.gateway, folded.c.rule, func.count())
            .where(folded.c.done.is_(False), folded.c.unfold_ms.is_not(None))
            .group_by(folded.c.gateway, folded.c.rule)
        ).all()
        again: list[Transition] = []
        for gateway, rule, count in rows:
            if gateway not in silent:
                continue
            work.conn.execute(
                update(folded)
                .where(folded.c.gateway == gateway, folded.c.done.is_(False))
                .where(folded.c.rule == rule)
                .values(unfold_ms=None)
            )
            evidence = (Evidence("silent_lifts", float(count), work.now_ms),)
            again.append(
                Transition(
                    "gateway", gateway, rule, True, work.now_ms, work.now_ms,
                    evidence=evidence,
                )
            )  # fmt: skip
        return again

    def _keep(self, work: Work, spoken: list[tuple[str, Transition]]) -> None:
        known: set[tuple[Any, ...]] = set()
        for some in parts(_key(one) for _, one in spoken):
            query = select(*(folded.c[name] for name in KEY)).where(among(folded, KEY, some))
            known |= {tuple(row) for row in work.conn.execute(query)}
        rows = {
            _key(one): {
                "subject": one.subject,
                "rule": one.rule,
                "since_ms": one.since_ms,
                "gateway": gateway,
                "at_ms": one.at_ms,
                "done": False,
                "evidence": orjson.dumps([e.as_json() for e in one.evidence]).decode(),
            }
            for gateway, one in spoken
            if _key(one) not in known
        }
        insert_rows(work.conn, folded, list(rows.values()))

    def note_cleared(self, work: Work, transitions: Iterable[Transition]) -> None:
        """Lifts that were heard again need nobody to speak for them."""
        heard = [
            {"of_subject": one.subject, "of_rule": one.rule, "at": one.at_ms}
            for one in transitions
            if not one.raised and one.rule in SILENCE_RULES and one.subject_kind == "lift"
        ]
        if heard:
            work.conn.execute(
                update(folded)
                .where(folded.c.subject == bindparam("of_subject"), folded.c.done.is_(False))
                .where(folded.c.rule == bindparam("of_rule"))
                .values(cleared_ms=bindparam("at"), done=True),
                heard,
            )

    def unfold(self, work: Work) -> list[Transition]:
        """Return transitions for lifts that stayed silent after their gateway came back."""
        left = work.conn.execute(
            select(folded)
            .where(folded.c.done.is_(False), folded.c.unfold_ms <= work.now_ms)
            .order_by(folded.c.since_ms, folded.c.subject)
        ).mappings()
        found: list[Transition] = []
        for row in left.all():
            evidence = tuple(Evidence(**e) for e in orjson.loads(row["evidence"]))
            one = Transition(
                "lift", row["subject"], row["rule"], True, work.now_ms, row["since_ms"],
                evidence=evidence,
            )  # fmt: skip
            found.append(one)
        for some in parts(_key(one) for one in found):
            work.conn.execute(update(folded).where(among(folded, KEY, some)).values(done=True))
        return found


def _key(one: Transition) -> tuple[str, str, int]:
    return one.subject, one.rule, one.since_ms
