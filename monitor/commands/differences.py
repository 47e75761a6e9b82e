"""What the imports of directory and registry print alike: refused cells, what would change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from alerts.directory.sheets.difference import SheetDifference
from alerts.directory.sheets.transfer import Refused

SHOWN = 20
MOST_ROWS = 50


@contextmanager
def told_cell_by_cell() -> Iterator[None]:
    """Print every refused cell of a spreadsheet and leave with 2."""
    try:
        yield
    except Refused as refused:
        for reason in refused.reasons[:SHOWN]:
            typer.echo(f"liftwatch: {reason}", err=True)
        if len(refused.reasons) > SHOWN:
            typer.echo(f"… +{len(refused.reasons) - SHOWN}", err=True)
        typer.echo("Nothing was changed. / 未做任何修改。", err=True)
        raise typer.Exit(2) from None


def show_sheet(one: SheetDifference, most: int | None = None) -> None:
    """Print the difference of one sheet; at most so many rows of each kind."""
    counts = f"+{len(one.added)} ~{len(one.changed)} -{len(one.removed)}"
    typer.echo(f"{one.sheet.title}: {counts}{' ↕' if one.moved else ''}")
    for name, row in one.added[:most]:
        rest = ", ".join(f"{k}={v}" for k, v in row.items() if k not in one.sheet.identity)
        typer.echo(f"  + {name}  {rest}")
    for name, changes in one.changed[:most]:
        typer.echo(f"  ~ {name}")
        for change in changes:
            typer.echo(f"      {change.key}: {change.was or '∅'} → {change.now or '∅'}")
    for name, _ in one.removed[:most]:
        typer.echo(f"  - {name}")
    if most is not None:
        hidden = sum(max(0, len(r) - most) for r in (one.added, one.changed, one.removed))
        if hidden:
            typer.echo(f"  … +{hidden} (--all / 全部)")
