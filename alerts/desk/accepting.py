"""How the desk takes transitions over: accepted for good at once, worked off slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from alerts.database.access import reading
from alerts.database.bulk import parts
from alerts.desk import inbox
from alerts.desk.gaps import Gaps
from alerts.desk.handing import Sender, hand_over, transaction
from alerts.desk.raising import Raiser
from alerts.desk.work import Work
from alerts.grouping.folding import Folding
from alerts.model import FeedEvent, Transition

AT_ONCE = 5  # transitions done with their acceptance: the first pages leave after some ms
PART = 5000  # transitions accepted in one transaction: some 0.1 s
# Transitions a transaction: after an acceptance, at most (some 0.2 s), and of what calls rescuers.
SLICE_FIRST, SLICE, SLICE_URGENT = 20, 400, 100
# So long the pages of one transaction have to leave, before the next keeps the interpreter busy.
BREATH_S = 0.01


class Accepting:
    """The part of the alert desk that the pipeline talks to; AlertDesk brings what it works with.

    `waiting`: whether something that was accepted may still have to be worked off.
    """

    engine: Engine
    sender: Sender | None
    _raiser: Raiser
    _folding: Folding
    _gaps: Gaps
    waiting = True  # a start does not know what a crash has left
    _next_slice = SLICE
    _breath_due = False

    def accept(
        self, now_ms: int, transitions: Iterable[Transition], silent: Collection[str] | None = None
    ) -> list[FeedEvent]:
        """Take transitions over for good; return the journal lines this caused.

        When this returns they are as durable as the alerts. The first few are done at once, in a
        transaction before the others': those that call rescuers, or any while nothing else waits.
        The others wait in the inbox for `work_off`, those of one lift in order. Very many are taken
        in parts; when a crash leaves some parts out, the batch was not acknowledged: it will come.

        Args:
            now_ms: wall time; no deadline counts from later than this.
            transitions: of one batch or tick; repeats change nothing.
            silent: ids of the gateways that are silent as a whole now; None = not known here,
                then nothing is folded and no gateway returns.
        """
        todo = [inbox.by_now(one, now_ms) for one in transitions]
        if not todo and self._nothing_to_fold(silent):
            return []
        self._breathe()
        with transaction(self.engine, now_ms, self.sender) as work:
            if silent is not None:
                todo = self._folding.fold(work, todo, silent)
            self._folding.note_cleared(work, todo)
            todo, urgent = self._raiser.gravest_first(todo)
            size = AT_ONCE if inbox.empty(work.conn) else min(urgent, AT_ONCE)
            self._take(work, todo[:size])
            grave, others = todo[size:urgent], todo[max(size, urgent) :]
            # what folding found out is said once: it stands or falls with this transaction
            inbox.put(work, [], [one for one in others if one.subject_kind == "gateway"])
            others = [one for one in others if one.subject_kind != "gateway"]
            first, *more = list(parts(others, PART)) or [[]]
            if not size:
                inbox.put(work, grave, first)
            events = self._finish(work)
        self.waiting = self.waiting or len(todo) > size
        self._breath_due = bool(work.handed)
        if size and (grave or first):  # the first pages do not wait for thousands of rows
            self._breathe()
            with transaction(self.engine, now_ms, self.sender) as work:
                inbox.put(work, grave, first)
        for some in more:
            if size < urgent:  # no rescue waits until all the others are accepted
                events += self.work_off(now_ms)
                size += SLICE_URGENT
            with transaction(self.engine, now_ms, self.sender) as work:
                inbox.put(work, [], some)
        self._next_slice = SLICE_FIRST
        return events

    def work_off(self, now_ms: int) -> list[FeedEvent]:
        """Do the next slice of what was accepted, what calls rescuers first; `waiting` tells
        whether there may be more. Return the journal lines.

        A slice is one transaction. After an acceptance slices are short, as the next one may come
        soon; each further slice is twice as long. Where one fails by a fault of ours, its rows are
        done one at a time, and the one that fails by itself is set aside, so that it holds up
        nothing behind it. Raises SQLAlchemyError where the database is away.
        """
        self._breathe()
        size, self._next_slice = self._next_slice, min(2 * self._next_slice, SLICE)
        try:
            with transaction(self.engine, now_ms, self.sender) as work:
                todo = inbox.first(work, size, SLICE_URGENT)
                self._raiser.apply_all(work, todo)
                events = self._finish(work)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            self._next_slice = 1
            if size == 1:
                with transaction(self.engine, now_ms, None) as work:
                    inbox.set_aside_first(work.conn)
            raise
        self.waiting, self._breath_due = bool(todo), bool(work.handed)
        return events

    def apply(
        self,
        now_ms: int,
        transitions: Iterable[Transition],
        silent: Collection[str] | None = None,
        committed: Callable[[], None] = lambda: None,
    ) -> list[FeedEvent]:
        """Accept transitions and work off all that waits, for whoever has nothing else to do
        meanwhile; `committed` is called after each transaction that did something."""
        events = self.accept(now_ms, transitions, silent)
        committed()
        while self.waiting:
            events += self.work_off(now_ms)
            committed()
        return events

    def _breathe(self) -> None:
        if self._breath_due and self.sender is not None:
            self.sender.breathe(BREATH_S)

    def _take(self, work: Work, todo: Sequence[Transition]) -> None:
        """Do these now, after what their subjects have waiting."""
        before = inbox.of(work, [one.key[:2] for one in todo]) if todo else []
        self._raiser.apply_all(work, [*before, *todo])

    def _catch_up(self, work: Work, subjects: Iterable[inbox.Of]) -> None:
        """Do what waits of these subjects: somebody is about to change their alerts."""
        self._raiser.apply_all(work, inbox.of(work, subjects))

    def _nothing_to_fold(self, silent: Collection[str] | None) -> bool:
        """Most calls find nothing to do: they only read, and take no writer's lock."""
        if silent is None:
            return True
        with reading(self.engine) as conn:
            return self._folding.at_rest(conn)

    def _finish(self, work: Work) -> list[FeedEvent]:
        """Raise what the fired steps have found (which may find the bureau off duty too)."""
        while found := self._gaps.found(work):
            self._raiser.apply_all(work, found)
        hand_over(work, self.sender)
        return work.finish()
