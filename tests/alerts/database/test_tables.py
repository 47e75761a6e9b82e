from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

import alerts.database.admin_tables
import alerts.database.registry_tables
import alerts.database.shift_tables
import alerts.database.token_tables  # noqa: F401 - their tables belong to the metadata
from alerts import migrations
from alerts.database.access import open_engine, reading, writing
from alerts.database.tables import meta as meta_table
from alerts.database.tables import metadata, outbox
from alerts.migrations import migrate

VERSIONS = str(Path(migrations.__file__).parent)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'er' / 'alerts.db'}"


def test_migrations_make_exactly_the_tables(url: str) -> None:
    migrate(url)
    migrate(url)  # a second start changes nothing
    engine = open_engine(url)
    with reading(engine) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert [context.get_current_revision()] == ScriptDirectory(VERSIONS).get_heads()
    engine.dispose()


def test_sqlite_is_opened_so_that_a_commit_survives(url: str) -> None:
    migrate(url)
    engine = open_engine(url)
    with reading(engine) as conn:
        found = {
            name: conn.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000,
    }  # fmt: skip
    engine.dispose()


def test_foreign_keys_hold(url: str) -> None:
    migrate(url)
    engine = open_engine(url)
    row = dict.fromkeys(outbox.columns.keys(), "x") | {
        "id": 1, "alert_id": 99, "round": 0, "priority": 0, "attempts": 0, "created_ms": 0,
        "next_ms": 0, "lease_until_ms": None, "delivered_ms": None, "reached_ms": None,
        "read_ms": None, "ask_ms": None,
    }  # fmt: skip
    with pytest.raises(IntegrityError), writing(engine) as conn:
        conn.execute(insert(outbox), row)
    engine.dispose()


def test_writers_wait_for_each_other_and_lose_nothing(url: str) -> None:
    """Read, then write what was read plus one: without the lock up front, counts get lost."""
    migrate(url)
    engine = open_engine(url)
    with writing(engine) as conn:
        conn.execute(insert(meta_table), {"key": "n", "value": "0"})

    def add() -> None:
        mine = open_engine(url)
        for _ in range(25):
            with writing(mine) as conn:
                value = conn.execute(select(meta_table.c.value)).scalar_one()
                conn.execute(meta_table.update().values(value=str(int(value) + 1)))
        mine.dispose()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    with reading(engine) as conn:
        assert conn.execute(select(meta_table.c.value)).scalar_one() == "100"
    engine.dispose()


def test_a_reader_sees_one_moment(url: str) -> None:
    migrate(url)
    engine = open_engine(url)
    with reading(engine) as reader:
        assert reader.execute(select(meta_table)).all() == []
        with writing(engine) as writer:
            writer.execute(insert(meta_table), {"key": "n", "value": "0"})
        assert reader.execute(select(meta_table)).all() == []
    with reading(engine) as reader:
        assert len(reader.execute(select(meta_table)).all()) == 1
    engine.dispose()
