"""Many rows by few statements: how one transaction reads and writes a flood.

A statement for each row costs some 0.1 ms of Python; ten of them for each of 100,000 alerts would
hold the writer for minutes. Rows are gathered and go out in one executemany a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, insert, tuple_, update

AT_ONCE = 500  # values of one IN (…): far below what SQLite and PostgreSQL allow in a statement


def parts(values: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    """Yield the values in lists of at most `size`."""
    whole = list(values)
    for i in range(0, len(whole), size):
        yield whole[i : i + size]


def among(
    table: Table, names: Sequence[str], keys: Sequence[tuple[Any, ...]]
) -> ColumnElement[bool]:
    """Return the condition that these columns, taken together, are one of the keys."""
    return tuple_(*(table.c[name] for name in names)).in_(keys)


def rows_of(conn: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """Return rows as dicts; four times as fast as by way of SQLAlchemy's mappings."""
    result = conn.execute(query)
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


def insert_rows(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; none is no statement."""
    if rows:
        conn.execute(insert(table), rows)


def update_rows(
    conn: Connection,
    table: Table,
    key: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    changed: Sequence[str],
) -> None:
    """Write the `changed` columns of each row, found by its `key` columns."""
    if not rows:
        return
    statement = (
        update(table)
        .where(*(table.c[name] == bindparam(f"of_{name}") for name in key))
        .values({name: bindparam(f"to_{name}") for name in changed})
    )
    values = [
        {f"of_{name}": row[name] for name in key} | {f"to_{name}": row[name] for name in changed}
        for row in rows
    ]
    conn.execute(statement, values)
