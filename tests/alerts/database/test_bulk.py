"""Many transitions at once come to the same as one by one, line for line of the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alerts.database.access import _turns_of, reading, writing
from alerts.database.tables import metadata
from alerts.directory.units import Directory
from alerts.model import Step
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, House, cleared, raised

TABLES = ("alert", "occurrence", "alert_unit", "timer", "outbox", "journal")
S = 1000


def everything(house: House) -> dict[str, list[tuple[Any, ...]]]:
    with reading(house.engine) as conn:
        return {
            name: [tuple(row) for row in conn.execute(select(metadata.tables[name]))]
            for name in TABLES
        }


onsets = st.builds(
    lambda rule, car, second, people: raised(
        rule, car, T0 + 30 * S, T0 + second * S, people=people
    ),
    st.sampled_from(("1", "3", "4", "9", "11", "16", "21", "23", "29")),
    st.sampled_from((CAR, CAR_2, CAR_3, "9" * 20)),
    st.integers(0, 3),
    st.sampled_from((None, None, 2)),
)
moves = st.builds(
    lambda one, ends: cleared(one, T0 + 30 * S) if ends else one, onsets, st.booleans()
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(moves, max_size=12), min_size=1, max_size=4), taps=st.booleans())
def test_a_batch_equals_its_transitions_one_by_one(
    tmp_path_factory: Any, site_directory: Callable[..., Directory], batches: Any, taps: bool
) -> None:
    directory = site_directory(lambda contact: "mqtt = true")
    folder = tmp_path_factory.mktemp("bulk")
    whole, single = (House(f"sqlite:///{folder / name}.db", directory) for name in ("a", "b"))
    for number, batch in enumerate(batches):
        now = T0 + (31 + 20 * number) * S
        whole.desk.apply(now, batch)
        for one in whole.desk._raiser.gravest_first(batch)[0]:
            single.desk.apply(now, [one])
        if taps and whole.alerts():
            ident = min(one["id"] for one in whole.alerts())
            for house in (whole, single):
                house.act(ident, Step.ACKNOWLEDGE, "operator", now + S)
        for house in (whole, single):
            house.desk.tick(now + 15 * S)
    assert everything(whole) == everything(single)
    for house in (whole, single):
        house.engine.dispose()


def test_writers_of_one_process_take_turns(house: House) -> None:
    order: list[int] = []
    waiting: list[threading.Thread] = []

    def write(number: int) -> None:
        with writing(house.engine):
            order.append(number)

    with writing(house.engine):
        for number in range(5):
            one = threading.Thread(target=write, args=(number,))
            one.start()
            waiting.append(one)
            _until_queued(house, number + 2)
    for one in waiting:
        one.join()
    assert order == list(range(5))


def _until_queued(house: House, count: int) -> None:
    while len(_turns_of(house.engine)._waiting) < count:
        pass
