"""A stopped service silences nobody, in the back-test as in life."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monitor.backtest.listening import deaf
from monitor.backtest.silence import Deaf
from monitor.backtest.source import take
from tests.monitor.backtest import house as made
from tests.monitor.backtest.house import T0, House, twin
from tests.monitor.backtest.test_twin import END, fast, only


def test_while_nobody_listened_nobody_fell_silent(house: House, tmp_path: Path) -> None:
    # lift 1 is silent from second 700 to 775
    awake = [one for one in house.batches if not 715 < (one[0] - T0) // 1000 <= 765]
    made.store(tmp_path, house.registry, awake, half_moved=False)
    other = House(tmp_path, house.registry, awake)
    rules = made.rules()
    expected = only(twin(house.registry, rules, awake), ("23",))
    found = only(fast(other, rules, rules, tmp_path / "work"), ("23",))
    assert [(lift, raised) for lift, _, _, raised, _ in found] == [
        (lift, raised) for lift, _, _, raised, _ in expected
    ]
    for mine, theirs in zip(found, expected, strict=True):
        assert abs(mine[2] - theirs[2]) <= 3000, "when nobody listened is known to seconds"
    one = house.registry.lift(1).reg_code
    begins = [at - T0 for lift, _, at, raised, _ in found if lift == one and raised]
    assert all(not 700_000 < at < 775_000 for at in begins)
    source = take(other.history, tmp_path / "work")
    assert len(deaf(source, T0, END, 3).begin) == 1
    assert not len(deaf(source, T0, END, 1).begin), "one gateway: silence is silence"


def test_time_in_which_nobody_listened() -> None:
    two = Deaf(np.array([100, 500]), np.array([200, 900]))
    at = np.array([0, 100, 150, 200, 300, 700, 900, 1000])
    assert two.before(at).tolist() == [0, 0, 50, 100, 100, 300, 500, 500]
    assert two.during(at).tolist() == [False, True, True, False, False, True, False, False]
    none = Deaf(np.empty(0, np.int64), np.empty(0, np.int64))
    assert none.before(at).tolist() == [0] * 8 and not none.during(at).any()
