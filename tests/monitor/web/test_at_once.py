"""Two who change the same thing at once: both changes are there, and both count."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alerts.directory.sheets.tables import read_tables
from alerts.model import Actor, Role
from alerts.rules import RuleSet
from monitor import reload
from monitor.admin import keeping, rosters
from monitor.admin.rosters import RosterDesk
from monitor.admin.rulebook import Read, RuleBook
from monitor.web.fleet.fleet import Fleet
from tests.monitor.web.admin_site import tomorrow, write_directory
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.test_admin import headers, written

BOSS = Actor("admin", Role.ADMIN)


def together(*acts: Callable[[], object]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
        assert not one.is_alive()


def meeting(real: Callable[..., Any]) -> Callable[..., Any]:
    """Have two callers of a function both come back from it, if two can be in it at once."""
    meet = threading.Barrier(2)

    def call(*given: Any) -> Any:
        found = real(*given)
        with suppress(threading.BrokenBarrierError):
            meet.wait(0.5)
        return found

    return call


@pytest.mark.parametrize("other", ["save", "reload"])
def test_rules_saved_at_once_both_count(
    other: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, counted = house.rulebook, list[RuleSet]()
    book.take_up = counted.append
    monkeypatch.setattr(book, "read", meeting(book.read))
    service = SimpleNamespace(
        rulebook=book, take_up_site=lambda: None, take_up_rules=counted.append
    )
    second = {
        "save": lambda: book.save("18", {"severity": "major"}, 0, BOSS),
        "reload": lambda: reload.reload(cast(Any, service)),
    }[other]
    together(lambda: book.save("16b", {"severity": "major"}, 0, BOSS), second)
    assert len(counted) == 2
    wanted = {"save": {"16b", "18"}, "reload": {"16b"}}[other]
    saved = {one.id for one in counted[-1].rules if one.meta.severity == "major"}
    assert wanted <= saved
    assert "16b" not in {one.id for one in book.read().ground.rules if one.meta.severity == "major"}


def test_swaps_at_once_are_both_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write_directory(house)
    monkeypatch.setattr(rosters, "read_tables", meeting(read_tables))
    begin = tomorrow(house)

    def swap(out: str) -> None:
        row = {
            "unit": "anda", "line": "", "kind": "swap", "out": out, "in": "c-wu",
            "from": begin, "to": begin.replace(hour=18),
        }  # fmt: skip
        RosterDesk(house.engine, house.settings, house.now_ms, house.take_up).swap(row, BOSS)

    together(lambda: swap("c-anda"), lambda: swap("c-zhou"))
    file = house.settings.site.folder / "directory.toml"
    rows = read_tables(file, house.settings.site.timezone)["swap"]
    assert {row["out"] for row in rows} == {"c-anda", "c-zhou"}
    assert len(house.directory.rosters["anda"].swaps) == 2
    assert len(written(house, "roster")) == 2


def test_no_line_tells_of_a_swap_that_was_not_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_directory(house)
    begin = tomorrow(house)

    def fail(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rosters, "write_tables", fail)
    desk = RosterDesk(house.engine, house.settings, house.now_ms, house.take_up)
    row = {"unit": "anda", "line": "", "kind": "swap", "out": "c-anda", "in": "c-wu",
           "from": begin, "to": begin.replace(hour=18)}  # fmt: skip
    with pytest.raises(OSError):
        desk.swap(row, BOSS)
    assert written(house, "roster") == []


async def test_a_rule_is_read_once_to_be_saved(
    house: House, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, real = [], RuleBook.read

    def read(book: RuleBook) -> Read:
        reads.append(book)
        return real(book)

    monkeypatch.setattr(RuleBook, "read", read)
    admin = enter("admin")
    body = {"changes": {"severity": "major"}, "version": 0}
    told = await admin.put("/api/v1/admin/rules/16b", json=body, headers=headers(admin))
    assert told.status_code == 200 and len(reads) == 1
    told = await admin.put("/api/v1/admin/rules/none", json=body, headers=headers(admin))
    assert told.status_code == 404


def test_a_segment_is_opened_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = house.settings.data_dir / "history" / "segments"
    folder.mkdir(parents=True)
    table = pa.table({"ts_ms": np.arange(5, dtype=np.int64)})
    pq.write_table(table, folder / "one.parquet")
    opened, real = [], pq.ParquetFile

    def count(file: Any) -> Any:
        opened.append(file)
        return real(file)

    monkeypatch.setattr(keeping.pq, "ParquetFile", count)
    first, second = (keeping.retention(house.settings, 10**12) for _ in range(2))
    assert first == second and first["due"]["samples"] == 5
    assert len(opened) == 1
    pq.write_table(pa.table({"ts_ms": np.arange(7, dtype=np.int64)}), folder / "one.parquet")
    assert keeping.retention(house.settings, 10**12)["due"]["samples"] == 7
    by_name = {one.name: one for one in keeping.parts(house.settings)}
    assert by_name["segments"].files == 1


def test_many_who_ask_for_the_shares_have_them_counted_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, counted = Fleet(house), list[int]()
    gateways = house.links.gateways

    def count() -> Any:
        counted.append(1)
        return gateways()

    monkeypatch.setattr(house.links, "gateways", meeting(count))
    together(*(lambda: fleet.arrived(fleet.roster) for _ in range(2)))
    assert len(counted) == 1
