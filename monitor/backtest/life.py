"""What really rang: the onsets that the alert database holds."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import make_url, select, union_all
from sqlalchemy.exc import SQLAlchemyError

from alerts.database.access import open_engine, reading
from alerts.database.tables import folded, occurrence
from config.errors import ConfigError
from config.text import Text
from monitor.backtest.rings import Ring


def rings_in_life(url: str, begin_ms: int, end_ms: int, lifts: Collection[str]) -> list[Ring]:
    """Return the rings of these lifts that were raised before end_ms and not over by begin_ms.

    Those that a gateway's alert told for the lift count too. Raises ConfigError where there is no
    alert database.
    """
    way_out = Text(
        "没有可读的警情数据库；请用 --config 指明站点，或给 --against 一个规则文件",
        "no alert database to read; name the site by --config, or give --against a rule file",
    )
    parsed = make_url(url)
    shown = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        raise ConfigError("backtest", "--against life", shown, way_out)
    own = occurrence.c
    told = select(own.subject, own.rule, own.since_ms, own.at_ms, own.cleared_ms).where(
        own.subject_kind == "lift"
    )
    other = folded.c
    by_gateway = select(other.subject, other.rule, other.since_ms, other.at_ms, other.cleared_ms)
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            rows = connection.execute(union_all(told, by_gateway)).all()
    except SQLAlchemyError:
        raise ConfigError("backtest", "--against life", shown, way_out) from None
    finally:
        engine.dispose()
    wanted = set(lifts)
    found = {Ring(*row) for row in rows if row[0] in wanted}
    return sorted(
        (ring for ring in found if ring.at_ms < end_ms and ring.end_ms >= begin_ms),
        key=lambda ring: (ring.lift, ring.rule, ring.at_ms),
    )
