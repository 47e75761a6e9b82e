"""What is remembered of the registry: over restarts, over changes while nothing ran, bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.database.access import open_engine, reading
from alerts.database.tables import journal
from alerts.migrations import migrate
from config.settings import Registry as Limits
from devices.codecs.refuse import refusal
from devices.registry import Registry, load_registry
from monitor.detector.table import NEVER
from monitor.registry import keeper as keeper_module
from monitor.registry.keeper import Keeper
from monitor.registry.sightings import Sightings, read_sightings
from tests.support.site import reg_code, write_small_site

START_MS, DAY_MS = 1_790_000_000_000, 86_400_000


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = write_small_site(folder / "site", lifts=6, gateways=2)
        url = f"sqlite:///{folder / 'x.db'}"
        migrate(url)
        self.engine: Engine = open_engine(url)
        self.now_ms = START_MS
        self.known: list[str] = []

    def load(self) -> Registry:
        registry = load_registry(self.folder, self.known)
        self.known += [x.reg_code for x in registry.lifts if x.reg_code not in self.known]
        return registry

    def open(self, **limits: Any) -> Keeper:
        return Keeper(self.engine, self.load(), Limits(**limits), lambda: self.now_ms).open()

    def change(self, old: str, new: str, count: int = 1) -> None:
        file = self.folder / "lifts.csv"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, count), "utf-8")

    def drop(self, number: int) -> None:
        file = self.folder / "lifts.csv"
        lines = [x for x in file.read_text("utf-8").splitlines() if reg_code(number) not in x]
        file.write_text("\n".join(lines) + "\n", "utf-8")

    def journal(self) -> list[dict[str, Any]]:
        with reading(self.engine) as conn:
            return [json.loads(row.data) for row in conn.execute(journal.select())]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.engine.dispose()


def spoke(keeper: Keeper, *rows: int) -> None:
    mask = np.zeros(6, np.bool_)
    mask[list(rows)] = True
    keeper.saw_rows(mask)
    keeper.turn()


def test_a_lift_is_expected_to_speak_from_its_registration_on(site: Site) -> None:
    keeper = site.open(grace_s=3600)
    since = keeper.expected(site.load(), site.now_ms)
    assert since.tolist() == [START_MS + 3_600_000] * 6
    spoke(keeper, 0, 3)
    site.now_ms += 9 * DAY_MS  # and a restart
    keeper = site.open(grace_s=3600)
    since = keeper.expected(site.load(), site.now_ms)
    assert (since == NEVER).tolist() == [True, False, False, True, False, False]
    assert since[1] == START_MS + 3_600_000, "not from the restart on"
    first = keeper.entries["gateway", "gw-0"].first_seen_ms
    assert first == START_MS
    assert keeper.entries["gateway", "gw-1"].first_seen_ms == START_MS, "lift 3 is its"


def test_what_happened_while_nothing_ran_is_found(site: Site) -> None:
    spoke(site.open(), *range(6))
    site.change("梧桐苑5栋,so-1,uu-1,firm-2,gw-1", "梧桐苑5栋,so-1,uu-1,firm-2,gw-0")
    site.change("0号梯", "零号梯")
    site.drop(1)
    same = "梧桐苑2栋,so-1,uu-1,firm-1,gw-0,residential"
    site.change(f"{same},1.75", f"{same},2.5")
    site.now_ms += DAY_MS
    keeper = site.open()
    told = {(c["what"], c["id"]) for c in site.journal()[-1]["changes"]}
    assert told == {
        ("moved", reg_code(5)), ("changed", reg_code(0)), ("retired", reg_code(1)),
        ("rebuilt", reg_code(2)),
    }  # fmt: skip
    assert keeper.rebuilt == [reg_code(2)]
    moved = keeper.entries["lift", reg_code(5)]
    assert (moved.moved_from, moved.question, moved.moved_ms) == ("gw-1", "baseline", site.now_ms)
    assert keeper.entries["lift", reg_code(1)].retired_ms == site.now_ms
    lines = len(site.journal())
    site.open()
    assert len(site.journal()) == lines, "what is known already is not told again"


def test_strangers_are_bounded_and_the_least_heard_go_first(site: Site) -> None:
    keeper = site.open(sightings=10)
    for number in range(40):
        times = 5 if number < 4 else 1
        for _ in range(times):
            code = f"{number:020d}9"[1:]
            keeper.sightings.note(
                "lift/v1/gw-0/telemetry", "gw-0", b"x\0y" * 4000,
                [refusal("unknown_lift", "lift", code, "registered", code)], site.now_ms,
            )  # fmt: skip
        site.now_ms += 1
    keeper.turn()
    with reading(site.engine) as conn:
        kept = read_sightings(conn)
    assert len(kept) == 10
    assert sorted(one.count for one in kept.values())[-4:] == [5, 5, 5, 5]
    assert max(len(one.sample) for one in kept.values()) < 4096
    assert all(one.size == 12_000 * one.count for one in kept.values())


def test_a_storm_of_names_does_not_fill_the_memory() -> None:
    seen = Sightings()
    for number in range(5000):
        name = f"gw-{number}"
        seen.note(f"lift/v1/{name}/telemetry", name, b"", [refusal("unknown_gateway")], 1)
    seen.note("lift/v1/no such/x", "no such", b"", [refusal("unknown_gateway")], 1)
    assert len(seen.drain()) == 2000


def test_a_database_that_is_away_loses_nothing_of_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = site.open()
    told = refusal("unknown_gateway")
    keeper.sightings.note("lift/v1/gw-9/telemetry", "gw-9", b"abc", [told], 1)
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise SQLAlchemyError("away")

        patch.setattr(keeper_module, "writing", away)
        spoke(keeper, 2)
        keeper.sightings.note("lift/v1/gw-9/telemetry", "gw-9", b"abc", [told], 2)
        assert not keeper.write()
    keeper.sightings.note("lift/v1/gw-9/telemetry", "gw-9", b"abc", [told], 3)
    assert keeper.write()
    with reading(site.engine) as conn:
        (one,) = read_sightings(conn).values()
    assert (one.count, one.size, one.first_ms, one.last_ms) == (3, 9, 1, 3)
    assert site.open().entries["lift", reg_code(2)].first_seen_ms == START_MS


def test_ten_thousand_new_lifts_are_taken_in_quickly(site: Site) -> None:
    write_small_site(site.folder, lifts=10_000, gateways=100)
    keeper = site.open()
    assert len(keeper.entries) == 10_100
    (line,) = site.journal()
    assert line["counts"] == {"gateways_registered": 100, "lifts_registered": 10_000}
    assert len(line["changes"]) == 200
    assert line["more"] == 9_900
