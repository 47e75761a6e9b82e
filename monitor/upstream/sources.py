"""What is due for a tier behind a cursor. History and journal are logs already: nothing is queued.

status, events: positions are numbers of committed batches · alarms: ids of journal lines ·
statistics: days of the site's calendar, as ordinals.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from alerts.database.access import reading
from alerts.database.tables import alert, journal
from devices.batch import STATE_OFF, STATE_ON
from devices.kinds import is_escalator
from devices.registry import Lift, Registry
from devices.vocabulary import Vocabulary
from monitor.store.history import History
from monitor.store.series import source
from monitor.upstream.encode import CodeRow, Encoded, StateRow, encode_codes, encode_states
from monitor.upstream.tier_file import Stream, Tier

BATCHES, LINES = 2_000, 1_000  # positions a delivery at most
SETTLE_MS = 3_600_000  # after midnight: what a slow link still brings belongs to the day before
_STATES = {STATE_OFF: "off", STATE_ON: "on"}
_ALARM = {"raised": "on", "again": "on", "cleared": "off"}


class Sources:
    """Reads for one tier. `clock` gives wall time in ms."""

    def __init__(
        self,
        history: History,
        engine: Engine,
        registry: Registry,
        vocab: Vocabulary,
        zone: ZoneInfo,
        clock: Callable[[], int],
    ) -> None:
        self._history, self._engine, self._registry = history, engine, registry
        self._vocab, self._zone, self._clock = vocab, zone, clock

    def newest(self, stream: Stream) -> int:
        """Return the last position there is now."""
        if stream == "alarms":
            with reading(self._engine) as conn:
                return int(conn.execute(select(func.max(journal.c.id))).scalar() or 0)
        if stream == "statistics":
            done = datetime.fromtimestamp((self._clock() - SETTLE_MS) / 1000, self._zone)
            return done.date().toordinal() - 1
        return self._history.last_batch

    def until(self, stream: Stream, begins: int, tier: Tier) -> int:
        """Return where a delivery that begins here is to end; `begins` where nothing is due."""
        newest = self.newest(stream)
        if stream == "statistics":
            return min(newest, begins + 1)
        if stream == "alarms":
            return min(newest, begins + LINES)
        if stream == "events":
            return min(newest, begins + BATCHES)
        return self._whole_span(begins, newest, tier.status_ms)

    def _whole_span(self, begins: int, newest: int, span_ms: int) -> int:
        """The last batch of the span that the next one begins, once that span is over.

        Numbers of batches are kept for some hours only. What is older than that goes out by
        number; it is thinned by its own times all the same.
        """
        found = self._query(
            "SELECT min(id), min(now_ms) FROM batch WHERE id > ? AND id <= ?", (begins, newest)
        )
        first, now_ms = found[0]
        if first is None or first > begins + 1:
            return min(newest, begins + BATCHES, newest if first is None else first - 1)
        over_ms = (now_ms // span_ms + 1) * span_ms
        if over_ms > self._clock():
            return begins
        within = "SELECT max(id) FROM batch WHERE id > ? AND id <= ? AND now_ms < ?"
        return min(begins + BATCHES, self._query(within, (begins, newest, over_ms))[0][0])

    def read(self, stream: Stream, begins: int, ends: int, tier: Tier) -> Encoded:
        """Return what positions (begins, ends] hold for the tier, in its own words."""
        if stream == "alarms":
            return encode_codes(self._alarms(begins, ends, tier), tier.codes)
        if stream == "events":
            return encode_codes(self._events(begins, ends, tier), tier.codes)
        if stream == "statistics":
            return encode_states(self._day(ends, tier), tier.codes, self._vocab, statistics=True)
        return encode_states(self._states(begins, ends, tier), tier.codes, self._vocab)

    def _lift(self, slot: int, tier: Tier) -> Lift | None:
        lift = self._registry.slots[slot]
        return lift if lift and (not tier.streets or lift.street_office in tier.streets) else None

    def _states(self, begins: int, ends: int, tier: Tier) -> list[StateRow]:
        parts = [part for name, part in tier.codes.parts() if name != "statistics"]
        channels = sorted({one.channel for part in parts for one in part.fields})
        where, group = "batch > ? AND batch <= ?", f"ts_ms // {tier.status_ms}"
        # a segment's name ends in the last batch that can be in it: newer ones are not opened
        moved = self._query("SELECT coalesce(max(split_part(parse_filename(file, true), '-', 2)"
                            "::BIGINT), 0) FROM segment", ())[0][0]  # fmt: skip
        times = (0, 2**62) if moved > begins else (2**62, 2**62)
        return self._last_of(channels, where, (begins, ends), group, tier, times)

    def _day(self, ordinal: int, tier: Tier) -> list[StateRow]:
        channels = sorted({one.channel for one in tier.codes.statistics.fields})
        first = datetime.combine(date.fromordinal(ordinal), time(), self._zone)
        after = datetime.combine(first.date() + timedelta(days=1), time(), self._zone)
        span = (round(first.timestamp() * 1000), round(after.timestamp() * 1000))
        return self._last_of(channels, "ts_ms >= ? AND ts_ms < ?", span, "lift", tier, span)

    def _last_of(
        self,
        channels: list[str],
        where: str,
        values: tuple[int, int],
        group: str,
        tier: Tier,
        span: tuple[int, int],
    ) -> list[StateRow]:
        """The last value of each channel, a row a lift and group; the database thins.

        `span`: the times (ms) whose segments are opened beside the fresh rows.
        """
        if not channels:
            return []
        last = ", ".join(f'arg_max("{c}", ts_ms) FILTER ("{c}" IS NOT NULL)' for c in channels)
        names = ", ".join(f'"{c}"' for c in channels)
        db = self._history.reader()
        try:
            rows = source(db, *span, f"batch, lift, ts_ms, {names}")
            found = db.execute(
                f"SELECT lift, max(ts_ms) AS at_ms, {last} FROM ({rows}) WHERE {where}"  # noqa: S608
                f" GROUP BY lift, {group} ORDER BY at_ms, lift",
                values,
            ).fetchall()
        finally:
            db.close()
        told = []
        for slot, ts_ms, *said in found:
            lift = self._lift(slot, tier)
            if lift is not None:
                known = {c: float(v) for c, v in zip(channels, said, strict=True) if v is not None}
                told.append(StateRow(lift.reg_code, ts_ms, known, is_escalator(lift)))
        return told

    def _events(self, begins: int, ends: int, tier: Tier) -> list[CodeRow]:
        rows = self._query(
            "SELECT lift, ts_ms, code, state FROM message WHERE batch > ? AND batch <= ?"
            " ORDER BY batch, rowid",
            (begins, ends),
        )
        told = []
        for slot, ts_ms, code, state in rows:
            lift = self._lift(slot, tier)
            if lift is not None and self._vocab.messages[code].kind != "alarm":
                told.append(
                    CodeRow(
                        lift.reg_code, ts_ms, code, _STATES.get(state, "once"), is_escalator(lift)
                    )
                )
        return told

    def _alarms(self, begins: int, ends: int, tier: Tier) -> list[CodeRow]:
        """Alerts of lifts as people were called for them: raised, raised again, cleared."""
        query = (
            select(journal.c.at_ms, journal.c.kind, alert.c.subject, alert.c.code)
            .join(alert, alert.c.id == journal.c.alert_id)
            .where(journal.c.id > begins, journal.c.id <= ends, journal.c.kind.in_(_ALARM))
            .where(alert.c.exercise.is_(False), alert.c.code.is_not(None))
            .where(alert.c.subject_kind == "lift")
            .order_by(journal.c.id)
        )
        told = []
        with reading(self._engine) as conn:
            for at_ms, kind, subject, code in conn.execute(query):
                row = self._registry.row_of.get(subject)
                lift = None if row is None else self._lift(row, tier)
                if lift is not None:
                    state = _ALARM[kind]
                    told.append(CodeRow(lift.reg_code, at_ms, code, state, is_escalator(lift)))
        return told

    def _query(self, sql: str, values: tuple[int, ...]) -> list[tuple[int, ...]]:
        db = self._history.reader()
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()
