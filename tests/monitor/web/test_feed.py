from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from alerts.database.access import reading, writing
from alerts.desk import queries
from alerts.journal.journal import Line, append
from alerts.model import Actor, Role
from monitor.web import feed as feed_module
from monitor.web import tokens, visitor
from monitor.web.api import feed as feed_api
from monitor.web.auth import User, find_user, note_sign_in
from monitor.web.sessions import COOKIE
from monitor.web.visitor import Visitor, identify
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import PASSWORD, reg_code
from tests.support.accounts import WHO, accounts, add_account
from tests.support.wait import until

Event = tuple[str, int, Any]


class Reader:
    """One reader of the feed, in a thread; collects until told to stop."""

    def __init__(self, running: Running, house: House, name: str, **headers: str) -> None:
        app: FastAPI = running.server.config.app  # type: ignore[assignment]
        value, _ = cookie_of(app, house, name)
        self.events: list[Event] = []
        self.ended = threading.Event()
        self.broken: httpx.HTTPError | None = None
        self._client = httpx.Client(base_url=running.url, cookies={COOKIE: value}, timeout=10)
        self._headers = headers
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        event: dict[str, str] = {}
        try:
            with self._client.stream("GET", "/api/v1/feed", headers=self._headers) as answer:
                for line in answer.iter_lines():
                    if self._stop:
                        return
                    if line:
                        name, _, rest = line.partition(": ")
                        event[name] = rest
                    elif "event" in event:
                        data = json.loads(event["data"])
                        self.events.append((event["event"], int(event["id"]), data))
                        event = {}
        except httpx.HTTPError as error:
            self.broken = error
        finally:
            self.ended.set()

    def kinds(self, kind: str) -> list[Event]:
        return [event for event in self.events if event[0] == kind]

    @property
    def ids(self) -> list[int]:
        return [ident for _, ident, _ in self.kinds("journal")]

    def close(self) -> None:
        self._stop = True
        self.ended.wait(5)  # a beat comes each second
        self._client.close()


@contextmanager
def reading_feed(running: Running, house: House, name: str, **headers: str) -> Iterator[Reader]:
    reader = Reader(running, house, name, **headers)
    try:
        yield reader
    finally:
        reader.close()


def newest(house: House) -> int:
    with reading(house.engine) as conn:
        return queries.newest_line(conn)


def test_nothing_is_lost_or_doubled_over_broken_connections(running: Running, house: House) -> None:
    """Alerts are raised while readers come, go and come back with the last id they saw."""
    total, seen, last = 24, [], 0

    def raise_all() -> None:
        for i in range(total):
            house.raise_alert(i, "12", people=None)

    writer = threading.Thread(target=raise_all)
    writer.start()
    while writer.is_alive() or last < newest(house):
        with reading_feed(running, house, "operator", **{"Last-Event-ID": str(last)}) as reader:
            until(lambda r=reader: r.ids, 10, "an event")  # type: ignore[misc]
        seen += reader.ids
        last = max(seen)
    writer.join()
    assert seen == list(range(1, newest(house) + 1))


def test_a_firm_gets_its_own_lines_and_its_place_moves_on(running: Running, house: House) -> None:
    with (
        reading_feed(running, house, "firm-b", **{"Last-Event-ID": "0"}) as firm,
        reading_feed(running, house, "operator", **{"Last-Event-ID": "0"}) as desk,
    ):
        theirs = house.raise_alert(0)
        until(lambda: desk.ids and desk.ids[-1] == newest(house))
        head = newest(house)
        until(lambda: any(ident == head for _, ident, _ in firm.kinds("beat")))
        assert firm.ids == [], "not one line of another firm's alert"
        own = house.raise_alert(1)
        until(lambda: all(r.ids and r.ids[-1] == newest(house) for r in (firm, desk)))
    told = json.dumps([data for _, _, data in firm.events], ensure_ascii=False)
    assert {data["alert_id"] for _, _, data in firm.kinds("journal")} == {own}
    assert reg_code(0) not in told and "龙湖花园 1 栋" not in told
    heard = {data["alert_id"] for _, _, data in desk.kinds("journal")}
    assert heard - {None} == {theirs, own}, "besides lines of no alert, such as the registry's"


def test_a_line_carries_its_alert_and_beats_tell_the_time(running: Running, house: House) -> None:
    house.raise_alert(2)
    with reading_feed(running, house, "operator") as reader:
        until(lambda: reader.kinds("beat"))
        assert reader.ids == [], "without an id a reader starts from now on"
        alert = house.raise_alert(0)
        until(lambda: reader.kinds("journal"))
        until(lambda: len(reader.kinds("beat")) > 1)
    line = reader.kinds("journal")[0][2]
    assert (line["kind"], line["alert"]["id"], line["alert"]["people"]) == ("raised", alert, 3)
    beat = reader.kinds("beat")[-1][2]
    assert abs(beat["now_ms"] - house.now_ms()) < 30_000
    assert beat["behind_ms"] < 3000


def test_a_standing_pipeline_shows_in_the_beat(running: Running, house: House) -> None:
    house.pulse_stands = True
    with reading_feed(running, house, "operator") as reader:
        until(lambda: [b for b in reader.kinds("beat") if b[2]["behind_ms"] > 1500], 15)


def test_an_id_beyond_the_journal_is_answered_with_reset(running: Running, house: House) -> None:
    house.raise_alert(0)
    with reading_feed(running, house, "operator", **{"Last-Event-ID": "99999"}) as reader:
        until(lambda: reader.kinds("reset"))
        house.raise_alert(1)
        until(lambda: reader.ids)
    assert reader.ids[0] <= newest(house)


def test_the_feed_ends_for_whom_access_has_ended(
    running: Running, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "CHECK_S", 0.2)
    with reading_feed(running, house, "firm-b") as reader:
        until(lambda: reader.kinds("beat"))
        accounts(house.engine).set_password("firm-b", "another long one", WHO)
        assert reader.ended.wait(10)


def test_a_token_reads_the_feed_until_it_is_revoked(
    running: Running, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "CHECK_S", 0.2)
    actor, now_ms = Actor("admin", Role.ADMIN), house.now_ms()
    token, text = tokens.make(house.engine, "firm-b", "x", [], 1, actor, now_ms, longest=1)
    bearer = {"Authorization": f"Bearer {text}", "Last-Event-ID": "0"}
    with reading_feed(running, house, "operator", **bearer) as reader:
        until(lambda: reader.kinds("beat"))
        house.raise_alert(0)
        own = house.raise_alert(1)
        until(lambda: own in {data["alert_id"] for _, _, data in reader.kinds("journal")})
        assert {data["alert_id"] for _, _, data in reader.kinds("journal")} == {own}, (
            "the token's owner is a firm, whatever the cookie beside it says"
        )
        tokens.revoke(house.engine, token, actor, house.now_ms())
        assert reader.ended.wait(10)
    assert reader.broken is None, "it ends as an answer does, and is not torn off"


def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What came of each look at whether a reader still may; looked at often."""
    found: list[object] = []

    def told(request: Request) -> Visitor | None:
        try:
            found.append(identify(request))
        except Exception as error:
            found.append(error)
            raise
        return found[-1]  # type: ignore[return-value]

    monkeypatch.setattr(feed_module, "CHECK_S", 0.2)
    monkeypatch.setattr(feed_api, "identify", told)
    return found


def test_two_desks_of_one_account_do_not_end_each_other(
    running: Running, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = checks(monkeypatch)
    with reading_feed(running, house, "operator") as reader:
        until(lambda: seen)
        user = find_user(house.engine, "operator")
        assert user is not None
        note_sign_in(house.engine, user, house.now_ms())  # at the other desk
        begun = len(seen)
        until(lambda: len(seen) > begun + 1 or reader.ended.is_set())
        assert not reader.ended.is_set()


def test_a_busy_database_ends_no_feed(
    running: Running, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, busy = checks(monkeypatch), True
    real = visitor.auth.find_user

    def locked(engine: Engine, name: str) -> User | None:
        if busy:
            raise OperationalError("SELECT …", {}, Exception("database is locked"))
        return real(engine, name)

    with reading_feed(running, house, "operator") as reader:
        until(lambda: reader.kinds("beat"))
        monkeypatch.setattr(visitor.auth, "find_user", locked)
        until(lambda: isinstance(seen[-1], OperationalError) or reader.ended.is_set())
        busy = False
        begun = len(seen)
        until(lambda: len(seen) > begun + 1 or reader.ended.is_set())
        assert not reader.ended.is_set() and isinstance(seen[-1], Visitor)


def test_lines_of_administration_are_for_administrators(running: Running, house: House) -> None:
    add_account(house.engine, "screen", PASSWORD, "viewer")
    actor, now_ms = Actor("admin", Role.ADMIN), house.now_ms()
    tokens.make(house.engine, "operator", "x", [], 1, actor, now_ms, longest=1)
    with writing(house.engine) as conn:
        kinds = ("rule_edited", "channel_tested", "roster", "registry", "suppressed_began", "new")
        append(conn, now_ms, [Line(None, kind, actor) for kind in kinds])
    house.raise_alert(0)
    head = newest(house)

    def heard(name: str, **more: str) -> set[str]:
        """What somebody hears who begins at the same place as all others."""
        with reading_feed(running, house, name, **{"Last-Event-ID": "0"}, **more) as reader:
            until(lambda: any(ident >= head for _, ident, _ in reader.kinds("beat")))
        return {line["kind"] for _, _, line in reader.kinds("journal") if not line["alert_id"]}

    everything = heard("admin")
    assert {"account", "token", "new", *kinds} <= everything
    assert heard("operator") == {"registry", "suppressed_began"}
    assert heard("screen") == {"suppressed_began"}
    assert heard("firm-a") == set()
    assert heard("admin") == everything


def test_the_server_stops_though_readers_are_there(running: Running, house: House) -> None:
    with reading_feed(running, house, "operator") as reader:
        until(lambda: reader.kinds("beat"))
        begun = time.monotonic()
        running.stop()
        assert reader.ended.wait(5)
    assert time.monotonic() - begun < 10, "the streams ended by themselves, not by the timeout"


def test_who_comes_back_ahead_of_the_hub_misses_nothing(
    running: Running, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has moved on, and the hub has not yet looked."""
    house.raise_alert(0, "12", people=None)
    seen = newest(house)
    hub = running.server.config.app.state.web.hub  # type: ignore[union-attr]
    until(lambda: hub.head == seen)
    monkeypatch.setattr(hub, "head", seen - 1)  # as between a commit and the hub's next look
    house.wakes.clear()
    house.raise_alert(1, "12", people=None)
    with reading_feed(running, house, "operator", **{"Last-Event-ID": str(seen)}) as reader:
        until(lambda: reader.ids and reader.ids[-1] == newest(house))
    assert reader.ids == list(range(seen + 1, newest(house) + 1))
    assert not reader.kinds("reset")
