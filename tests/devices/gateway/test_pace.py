"""The pace of back-fill against a service of known speed, in simulated time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.gateway.pace import FIRST, LEAST, LONGEST_PAUSE_S, MOST, Pace

LINE_S = 0.1
ROWS = 1000


@dataclass
class Answering:
    """A service that takes `per_s` messages a second, one after the other, and gateways that
    have no end of them."""

    per_s: float
    paces: list[Pace]
    now: float = 0.0
    free_at: float = 0.0
    done: int = 0
    delays: list[float] = field(default_factory=list)
    shares: dict[int, int] = field(default_factory=dict)
    _open: dict[int, int] = field(default_factory=dict)
    _answers: list[tuple[float, int, float]] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            waits = [self._fill(number) for number in range(len(self.paces))]
            next_at = self._answers[0][0] if self._answers else float("inf")
            self.now = min([end, next_at, *(self.now + wait for wait in waits)])
            while self._answers and self._answers[0][0] <= self.now:
                at, number, sent_at = heapq.heappop(self._answers)
                self._open[number] -= 1
                self.paces[number].confirmed(sent_at, at)
                self.done += 1
                self.shares[number] = self.shares.get(number, 0) + 1
                self.delays.append(at - sent_at)

    def _fill(self, number: int) -> float:
        pace = self.paces[number]
        while True:
            wait = pace.wait_s(self.now, self._open.get(number, 0))
            if wait > 0:
                return max(wait, 1e-6)
            pace.sent(ROWS, self.now)
            self._open[number] = self._open.get(number, 0) + 1
            self.free_at = max(self.free_at, self.now) + 1 / self.per_s
            heapq.heappush(self._answers, (self.free_at + LINE_S, number, self.now))


def settled(one: Answering, seconds: float) -> float:
    """Run on, and return the share of its speed that was used."""
    one.run(seconds)
    one.done, one.delays, one.shares = 0, [], {}
    one.run(seconds)
    return one.done / seconds / one.per_s


@pytest.mark.parametrize(("gateways", "per_s"), [(1, 20), (1, 50), (20, 50), (20, 10), (100, 50)])
def test_what_is_free_is_used_and_the_queue_stays_short(gateways: int, per_s: float) -> None:
    one = Answering(per_s, [Pace() for _ in range(gateways)])
    assert settled(one, 60) > 0.8
    one.delays.sort()
    # half a second of queue, or one message each where that is more
    assert one.delays[int(len(one.delays) * 0.9)] < max(1.0, 1.5 * gateways / per_s) + LINE_S
    shares = [one.shares.get(number, 0) for number in range(gateways)]
    assert max(shares) < 8 * max(1, min(shares)), "each has its part"


def test_a_service_that_becomes_slow_is_given_less_and_then_more_again() -> None:
    one = Answering(50, [Pace() for _ in range(20)])
    settled(one, 30)
    one.per_s = 5
    settled(one, 60)
    slow = sum(pace.window for pace in one.paces)
    assert sum(one.delays) / len(one.delays) < 3.0, "not the 20 messages that it once took"
    one.per_s = 50
    assert settled(one, 60) > 0.8
    assert sum(pace.window for pace in one.paces) > 1.5 * slow


def test_what_is_live_halves_it_once_a_round() -> None:
    pace = Pace()
    for i in range(10):
        pace.confirmed(i, i + 0.1)
    full = pace.window
    assert full > 4
    pace.live_confirmed(20.0, 20.1)
    assert pace.window == full
    for sent_at in (21.0, 21.2, 21.4):  # on their way together
        pace.live_confirmed(sent_at, 23.0)
    assert pace.window == full / 2
    pace.confirmed(21.5, 23.1)
    assert pace.window == full / 2, "of the time before"
    pace.waiting(23.5, 25.0)
    assert pace.window == full / 4


def test_a_limit_that_is_set_holds() -> None:
    pace = Pace(most_per_s=2000)
    one = Answering(50, [pace])
    one.run(30)
    assert 1.8 <= one.done / 30 <= 2.1


def test_a_new_connection_begins_softly() -> None:
    pace = Pace()
    for i in range(50):
        pace.confirmed(i, i + 0.1)
    assert pace.window == MOST
    pace.line_changed()
    assert pace.window == FIRST
    assert pace.wait_s(100.0, 1) == float("inf")


EVENTS = st.lists(
    st.tuples(st.sampled_from(["kept", "live", "waiting"]), st.floats(0, 30), st.floats(0, 60)),
    max_size=200,
)


@given(EVENTS)
@settings(deadline=None)
def test_whatever_is_answered_something_goes_out_some_day(
    events: list[tuple[str, float, float]],
) -> None:
    pace, now = Pace(), 0.0
    for kind, gap, took in events:
        now += gap
        sent_at = now - took
        {
            "kept": pace.confirmed,
            "live": pace.live_confirmed,
            "waiting": pace.waiting,
        }[kind](sent_at, now)
        assert LEAST <= pace.window <= MOST
        assert 0 <= pace.wait_s(now, 0) <= LONGEST_PAUSE_S + 1e-6
        assert pace.wait_s(now + LONGEST_PAUSE_S, 0) == pytest.approx(0, abs=1e-6)
