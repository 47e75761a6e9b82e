"""Any single change of any column of any line, any deletion, insertion or swap is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Engine, delete, insert, select, text, update

from alerts.database.access import open_engine, reading
from alerts.database.tables import journal
from alerts.directory.directory_file import load_directory
from alerts.journal import audit
from alerts.journal.audit import Head, check
from alerts.journal.journal import GENESIS, digest
from alerts.model import Step
from tests.alerts.conftest import CAR, CAR_2, T0, House, cleared, directory_toml, raised

COLUMNS = [column.name for column in journal.columns]
NUMBERS = ("id", "at_ms", "alert_id")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The journal of a night with some lines of every kind."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "directory.toml").write_text(directory_toml(lambda _: "mqtt = true"), "utf-8")
    house = House(f"sqlite:///{folder / 'night.db'}", load_directory(folder / "directory.toml"))
    one, two = raised("1", CAR), raised("16", CAR_2, people=None)
    house.raise_(one, two)
    house.act(1, Step.ACCEPT, "zhang", T0 + 1000)
    house.act(1, Step.ACCEPT, "li", T0 + 1001)
    house.desk.tick(T0 + 40_000)
    house.act(1, Step.FREE, "zhang", T0 + 50_000)
    house.raise_(cleared(two, T0 + 60_000))
    house.desk.tick(T0 + 1_000_000)
    house.engine.dispose()
    engine = open_engine(house.url)
    yield engine
    engine.dispose()


class Undone(Exception):
    """Ends a transaction whose changes nobody is to keep."""


def tampered(engine: Engine, change: Any, heads: list[Head] | None = None) -> list[audit.Finding]:
    """What the audit finds after a change, which is then undone."""
    found: list[audit.Finding] = []
    with pytest.raises(Undone), engine.connect() as conn, conn.begin():
        conn.execute(text("PRAGMA defer_foreign_keys = ON"))
        change(conn)
        found = list(check(conn, heads or []))
        raise Undone
    return found


def lines(conn: Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in conn.execute(select(journal).order_by(journal.c.id)).mappings()]


def rewrite(conn: Connection, rows: list[dict[str, Any]], renumber: bool) -> None:
    """Put these lines in the place of all that were there."""
    conn.execute(delete(journal))
    for number, row in enumerate(rows, 1):
        conn.execute(insert(journal), row | ({"id": number} if renumber else {}))


FORMS = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def test_the_book_is_sound(book: Engine) -> None:
    told = []
    with reading(book) as conn:
        assert list(check(conn, [audit.head(conn)], told.append)) == []
        assert sum(told) == audit.count(conn) == audit.head(conn).id > 15


@FORMS
@given(data=st.data())
def test_any_change_of_any_column_of_any_line(book: Engine, data: st.DataObject) -> None:
    with reading(book) as conn:
        rows = lines(conn)
    column = data.draw(st.sampled_from(COLUMNS))
    row = data.draw(st.sampled_from(rows))
    nothing = st.none() if column in ("alert_id", "unit") else st.nothing()
    if column in NUMBERS:
        value = data.draw(st.integers(-(2**40), 2**40) | nothing)
    elif column in ("hash", "prev_hash"):
        value = data.draw(st.text("0123456789abcdef", min_size=64, max_size=64) | st.just(""))
    else:
        value = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | nothing)
    if value == row[column] or (column == "id" and value in {r["id"] for r in rows}):
        return

    def change(conn: Connection) -> None:
        conn.execute(update(journal).where(journal.c.id == row["id"]).values({column: value}))

    found = tampered(book, change)
    assert found, (column, row["id"], value)
    assert row["id"] in {one.id for one in found} or (
        column == "id" and row["id"] == rows[-1]["id"]
    )
    assert all(one.text.zh and one.text.en for one in found)


@FORMS
@given(data=st.data(), renumber=st.booleans())
def test_any_deletion(book: Engine, data: st.DataObject, renumber: bool) -> None:
    with reading(book) as conn:
        rows, newest = lines(conn), audit.head(conn)
    first = data.draw(st.integers(0, len(rows) - 1))
    last = data.draw(st.integers(first, min(first + 3, len(rows) - 1)))
    left = rows[:first] + rows[last + 1 :]
    found = tampered(book, lambda conn: rewrite(conn, left, renumber), [newest])
    assert found, (first, last)
    assert found[0].id == first + 1
    if last + 1 == len(rows):
        assert found[0].what == "cut"  # which only the head can tell
    elif not renumber:
        assert found[0].what == "missing"
    else:
        assert found[0].what in ("moved", "added")


@FORMS
@given(data=st.data(), sealed=st.booleans())
def test_any_insertion(book: Engine, data: st.DataObject, sealed: bool) -> None:
    with reading(book) as conn:
        rows, newest = lines(conn), audit.head(conn)
    place = data.draw(st.integers(0, len(rows) - 1))
    made = rows[data.draw(st.integers(0, len(rows) - 1))] | {"id": place + 1}
    if sealed:  # with hashes that fit what is before it
        made["prev_hash"] = rows[place - 1]["hash"] if place else GENESIS
        made["hash"] = digest(made["prev_hash"], made)
    left = [*rows[:place], made, *rows[place:]]
    found = tampered(book, lambda conn: rewrite(conn, left, True), [newest])
    assert found
    assert found[0].id in (place + 1, place + 2)


@FORMS
@given(data=st.data())
def test_any_swap(book: Engine, data: st.DataObject) -> None:
    with reading(book) as conn:
        rows = lines(conn)
    one = data.draw(st.integers(0, len(rows) - 2))
    two = data.draw(st.integers(one + 1, len(rows) - 1))
    rows[one], rows[two] = rows[two], rows[one]
    found = tampered(book, lambda conn: rewrite(conn, rows, True))
    moved = {f.id for f in found if f.what == "moved"}
    assert {one + 1, two + 1} <= moved
    assert f"as line {two + 1}" in found[0].text.en


def test_one_changed_line_is_one_finding_that_names_it(book: Engine) -> None:
    def change(conn: Connection) -> None:
        conn.execute(update(journal).where(journal.c.id == 7).values(actor="somebody else"))

    found = tampered(book, change)
    assert [(one.id, one.what) for one in found] == [(7, "changed")]
    assert "line 7 was changed" in found[0].text.en
    assert "第 7 行被改动" in found[0].text.zh


def test_rewritten_with_fresh_hashes_only_the_head_tells(book: Engine) -> None:
    def change(conn: Connection) -> None:
        rows, prev = lines(conn), GENESIS
        rows[4]["actor"] = "nobody"
        for row in rows:
            row["prev_hash"] = prev
            row["hash"] = prev = digest(prev, row)
        rewrite(conn, rows, False)

    with reading(book) as conn:
        newest, early = audit.head(conn), Head(3, lines(conn)[2]["hash"])
    assert tampered(book, change) == []
    found = tampered(book, change, [early, newest])
    assert [(one.id, one.what) for one in found] == [(newest.id, "changed")]


def test_heads_as_text(book: Engine, tmp_path: Path) -> None:
    with reading(book) as conn:
        newest = audit.head(conn)
    assert audit.read_heads(f"\n{newest}\n") == [Head(newest.id, newest.hash)]
    with pytest.raises(ValueError, match="hello"):
        audit.read_heads(f"{newest}\nhello")
