"""From the desk straight into the sender's hands: a page is written as leased by a sender that has
room for it, and begun as soon as it is committed.

That saves the first pages of an alert a second transaction behind whatever else is being written.
What finds no room stands in the outbox as due and is claimed there, as ever; a crash between commit
and sending leaves a lease that runs out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Engine, select

from alerts.database.access import writing
from alerts.database.tables import outbox
from alerts.desk.work import Row, Work
from alerts.journal import journal

_FIRST = itemgetter("priority", "next_ms")


class Sender(Protocol):
    """Who sends pages in this process. All of it may be called from any thread."""

    @property
    def name(self) -> str: ...

    def reserve(self, channel: str, wanted: int) -> int:
        """Keep room for so many pages at most; return for how many there is."""

    def release(self, channel: str, count: int) -> None:
        """The room is not needed after all."""

    def lease_ms(self, channel: str) -> int:
        """Return how long a page of this channel is leased."""

    def send(self, rows: Sequence[Row]) -> None:
        """Send what was committed as leased, each in its reserved room."""

    def breathe(self, longest_s: float) -> None:
        """Wait until what was handed over last has left, but no longer than this."""


def about(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a journal line says of a row of the outbox."""
    return {name: row[name] for name in ("key", "step", "unit", "contact", "channel")}


def sending(row: Mapping[str, Any]) -> journal.Line:
    """Return the line that says that a page may have left from now on."""
    return journal.Line(row["alert_id"], "sending", data=about(row) | {"attempts": row["attempts"]})


@contextmanager
def transaction(engine: Engine, now_ms: int, sender: Sender | None) -> Iterator[Work]:
    """One write transaction of the desk; what it handed over leaves after the commit."""
    handed: list[Row] = []
    try:
        with writing(engine) as conn:
            work = Work(conn, now_ms)
            work.handed = handed
            yield work
            work.finish()  # whoever left early: what it did is written, above all what it took
    except BaseException:
        for row in handed:
            if sender is not None:
                sender.release(row["channel"], 1)
        raise
    if sender is not None and handed:
        sender.send(handed)


def hand_over(work: Work, sender: Sender | None) -> None:
    """Lease to the sender what this transaction adds and there is room for, the gravest first."""
    if sender is None:
        return
    due = [
        row for row in work.pages.added if row["state"] == "due" and row["next_ms"] <= work.now_ms
    ]
    taken: dict[str, Row] = {}
    for channel in sorted({row["channel"] for row in due}):
        of_channel = sorted((row for row in due if row["channel"] == channel), key=_FIRST)
        room = sender.reserve(channel, len(of_channel))
        until_ms = work.now_ms + sender.lease_ms(channel)
        for row in of_channel[:room]:
            row |= {
                "state": "leased", "lease_owner": sender.name, "lease_until_ms": until_ms,
                "attempts": 1,
            }  # fmt: skip
            taken[row["key"]] = row
            work.handed.append(row)
            work.write(sending(row))
    if taken:
        work.flush()
        found = select(outbox.c.id, outbox.c.key).where(outbox.c.key.in_(taken))
        for ident, key in work.conn.execute(found):
            taken[key]["id"] = ident
