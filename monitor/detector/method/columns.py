"""A kernel's state as named columns: `prefix.field` of a table, or `prefix.field.0` … for rows.

A state is a NamedTuple of arrays. A field that holds several rows ([B, k]: the bins of a season,
the channels of a covariance) is declared with its number of rows in `rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

N = TypeVar("N", bound=tuple[Any, ...])
Which = NDArray[np.intp]


class Columns(Protocol):
    """Anything with named columns [k]: a block of a table, a dict."""

    def __getitem__(self, name: str) -> NDArray[Any]: ...
    def __setitem__(self, name: str, value: NDArray[Any]) -> None: ...


def names(
    prefix: str, fields: tuple[str, ...], rows: Mapping[str, int] | None = None
) -> tuple[str, ...]:
    """Return the column names of a state with these fields."""
    found: list[str] = []
    for field in fields:
        found += _columns(prefix, field, rows)
    return tuple(found)


def read(
    block: Columns,
    prefix: str,
    kind: type[N],
    which: Which,
    rows: Mapping[str, int] | None = None,
) -> N:
    """Gather the state of the lifts `which`: arrays [k], or [B, k] for fields in `rows`."""
    values: list[NDArray[Any]] = []
    for field in kind._fields:  # type: ignore[attr-defined]
        listed = [block[name][which] for name in _columns(prefix, field, rows)]
        values.append(np.stack(listed) if rows and field in rows else listed[0])
    return kind(*values)


def write(
    block: Columns,
    prefix: str,
    state: tuple[Any, ...],
    which: Which,
    rows: Mapping[str, int] | None = None,
) -> None:
    """Scatter a state back."""
    for field, value in zip(state._fields, state, strict=True):  # type: ignore[attr-defined]
        listed = _columns(prefix, field, rows)
        for name, part in zip(listed, value if rows and field in rows else [value], strict=True):
            column = block[name]
            column[which] = part
            block[name] = column


def _columns(prefix: str, field: str, rows: Mapping[str, int] | None) -> list[str]:
    if rows and field in rows:
        return [f"{prefix}.{field}.{i}" for i in range(rows[field])]
    return [f"{prefix}.{field}"]
