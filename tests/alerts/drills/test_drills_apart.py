"""Whatever is practised, what is real is as if nobody had practised: two houses, one history."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import alert, journal, outbox, timer
from alerts.directory.units import Directory
from alerts.model import Actor, Role, Step, Transition
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, House, cleared, raised

S = 1000
ADMIN = Actor("管理员", Role.ADMIN)
LIFTS, RULES, TRAPPED = (CAR, CAR_2, CAR_3), ("4", "9", "16", "23"), ("1", "3")
STEPS = (*Step, Step.ACCEPT, Step.ACCEPT, Step.CANCEL, Step.CANCEL)
WHO = ("zhang", "li", "pm1", "operator", "station1")
Two = tuple[House, House]


@pytest.fixture
def two(
    tmp_path: Path, site_directory: Callable[[Callable[[str], str]], Directory]
) -> Iterator[Two]:
    book = site_directory(lambda _: "mqtt = true")
    houses = tuple(House(f"sqlite:///{tmp_path / f'{name}.db'}", book) for name in "ab")
    yield houses[0], houses[1]
    for house in houses:
        house.engine.dispose()


def real_ids(house: House) -> dict[tuple[str, str, int], int]:
    """Natural key → id; the ids differ, since a drill takes one too."""
    query = select(alert.c.subject, alert.c.rule, alert.c.since_ms, alert.c.id)
    with reading(house.engine) as conn:
        return {(s, r, at): i for s, r, at, i in conn.execute(query.where(~alert.c.exercise))}


def told(house: House) -> dict[str, Any]:
    """All that is real, by natural keys: alerts, timers, pages, journal."""
    key = {ident: name for name, ident in real_ids(house).items()}
    skip = {"id", "alert_id", "payload", "hash", "prev_hash", "data"}
    found: dict[str, Any] = {}
    with reading(house.engine) as conn:
        rows = conn.execute(select(alert).where(~alert.c.exercise)).mappings()
        found["alert"] = {key[r["id"]]: {k: r[k] for k in r if k != "id"} for r in rows}
        for table in (timer, outbox, journal):
            of_real = select(table).where(table.c.alert_id.in_(key))
            lines = []
            for row in conn.execute(of_real.order_by(table.c.id)).mappings():
                line = {name: row[name] for name in row if name not in skip}
                for name in ("key", "reason"):  # both may begin with an alert's id
                    head, colon, rest = str(line.get(name) or "").partition(":")
                    if colon and head.isdigit():
                        line[name] = rest
                lines.append((key[row["alert_id"]], line))
            found[table.name] = lines
    return found


def step_real(dice: random.Random, now: int, seen: list[Transition]) -> Callable[[House], None]:
    """Return one random thing that happens to both houses alike."""
    kind = dice.random()
    if kind < 0.4 or not seen:
        held = dice.random() < 0.25
        rule = dice.choice(TRAPPED if held else RULES)
        one = raised(rule, dice.choice(LIFTS), now, people=2 if held else None)
        seen.append(one)
        return lambda house: void(house.raise_(one, now_ms=now))
    if kind < 0.55:
        over = cleared(dice.choice(seen), now)
        return lambda house: void(house.raise_(over, now_ms=now))
    if kind < 0.7:
        return lambda house: void(house.desk.tick(now))
    which, step, who = dice.randrange(1000), dice.choice(STEPS), dice.choice((*WHO, "operator"))

    def act(house: House) -> None:
        ids = real_ids(house)
        name = sorted(ids)[which % len(ids)]
        house.act(ids[name], step, who, now, comment="x", cause="door.sill")

    return act


def void(_: object) -> None:
    """Nothing of the answer is needed."""


def practise(dice: random.Random, house: House, now: int, drills: list[int]) -> None:
    """One random thing about a drill."""
    kind = dice.random()
    if kind < 0.45 or not drills:
        rule, minutes = dice.choice(TRAPPED + RULES), dice.choice((10, 60))
        result = house.desk.drill(now, dice.choice(LIFTS), ADMIN, rule, 2, minutes)
        if result.alert:
            drills.append(result.alert["id"])
    elif kind < 0.9:
        house.act(dice.choice(drills[-3:]), dice.choice(STEPS[:-2]), dice.choice(WHO), now,
                  comment="x", cause="false.nobody")  # fmt: skip
    else:
        house.desk.stop_drill(dice.choice(drills), ADMIN, now)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_real_is_the_same_with_and_without_drills(two: Two, seed: int) -> None:
    plain, practising = two
    dice, other = random.Random(seed), random.Random(1000 + seed)
    now, seen, drills = T0, [], []  # type: ignore[var-annotated]
    for _ in range(70):
        now += dice.choice((1, 5, 30, 61, 400)) * S
        happens = step_real(dice, now, seen)
        for _ in range(other.choice((0, 1, 2, 3))):
            practise(other, practising, now, drills)
        happens(plain)
        happens(practising)
    for house in two:
        house.desk.tick(now + 86_400 * S)
    assert len(drills) > 3, "there was something to practise"
    assert told(practising) == told(plain)
