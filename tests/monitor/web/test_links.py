"""Link quality over the API and as pages."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from monitor.link.delays import BUCKETS
from monitor.store import link_days
from monitor.store.link_days import LinkDay
from monitor.web.api.paging import cursor_of
from tests.monitor.web.conftest import Enter
from tests.monitor.web.hours import an_hour
from tests.monitor.web.house import House


@pytest.fixture
def house_with_links(house: House) -> House:
    an_hour(house.link, house.registry, house.now_ms())
    return house


async def test_the_worst_comes_first_and_says_why(enter: Enter, house_with_links: House) -> None:
    found = (await enter("operator").get("/api/v1/links")).json()["gateways"]
    bad, good = found
    assert (bad["gateway"], good["gateway"]) == ("gw-2", "gw-1")
    assert (bad["wrong_clocks"], good["wrong_clocks"]) == (12, 0)
    assert bad["clock_offset_s"] == pytest.approx(95, abs=0.3)
    assert abs(good["clock_offset_s"]) < 0.3
    assert 0.1 < bad["shares"]["missing"] < 0.3, "a seventh lost, and five minutes of silence"
    assert bad["refused"] == {"out_of_range": bad["fields"]}
    assert 1500 < good["delay_p50_ms"] < 3000 < bad["delay_p50_ms"] < 5000
    assert len(bad["minutes"]["samples"]) == 60
    assert bad["minutes"]["p99_ms"].count(None) >= 4


async def test_filters_and_pages(enter: Enter, house_with_links: House) -> None:
    client = enter("operator")
    first = (await client.get("/api/v1/links?limit=1&minutes=false")).json()
    assert [one["gateway"] for one in first["gateways"]] == ["gw-2"]
    assert "minutes" not in first["gateways"][0]
    rest = (await client.get("/api/v1/links", params={"cursor": first["next_cursor"]})).json()
    assert [one["gateway"] for one in rest["gateways"]] == ["gw-1"]
    assert rest["next_cursor"] is None
    for query, names in (("vendor=acme", ["gw-1"]), ("q=GW-2", ["gw-2"]), ("only=clock", ["gw-2"]),
                         ("only=refused", ["gw-2"]), ("q=nobody", [])):  # fmt: skip
        found = (await client.get(f"/api/v1/links?{query}")).json()["gateways"]
        assert [one["gateway"] for one in found] == names, query
    for forged in ("x~y", cursor_of("links", "x~y"), cursor_of("other", "1~y")):
        wrong = await client.get("/api/v1/links", params={"cursor": forged})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor"), forged
    vendors = (await client.get("/api/v1/links/vendors")).json()["vendors"]
    assert [(one["vendor"], one["wrong_clocks"]) for one in vendors] == [("acme", 0), ("otis", 12)]
    one = (await client.get("/api/v1/links/gw-2")).json()
    assert len(one["lifts"]) == 12 and one["lifts"][0]["clock_offset_s"] > 90
    assert (await client.get("/api/v1/links/nobody")).status_code == 404


async def test_days_add_up(enter: Enter, house: House) -> None:
    delays = np.zeros(BUCKETS, np.int64)
    delays[20] = 50
    for n, day in enumerate((date(2026, 3, 1), date(2026, 3, 2))):
        rows = [
            LinkDay(
                day, f"gw-{i}", "acme", {"samples": 100 * (i + n), "refused": {"empty": 1}}, delays
            )
            for i in (1, 2)
        ]
        link_days.write(house.quarantine._history, day, rows)
        link_days.write(house.quarantine._history, day, rows)  # the last write counts
    client = enter("operator")
    found = (await client.get("/api/v1/links/days?from=2026-03-01&to=2026-03-31")).json()["days"]
    assert [(one["day"], one["samples"], one["gateways"]) for one in found] == [
        ("2026-03-01", 300, 2), ("2026-03-02", 500, 2),
    ]  # fmt: skip
    assert found[0]["refused"] == {"empty": 2}
    assert 79 < found[0]["delay_p50_ms"] <= 100
    only = await client.get("/api/v1/links/days?from=2026-03-01&to=2026-03-31&gateway=gw-2")
    assert [one["samples"] for one in only.json()["days"]] == [200, 300]
    assert (await client.get("/api/v1/links/days?from=2026-03-02&to=2026-03-01")).status_code == 422


@pytest.mark.parametrize(
    ("lang", "words"), [("zh-CN", ("链路质量", "慢", "未到")), ("en", ("Link quality", "slow"))]
)
async def test_the_pages_say_it(
    enter: Enter, house_with_links: House, lang: str, words: tuple[str, ...]
) -> None:
    client = enter("operator", lang=lang)
    page = (await client.get("/links")).text
    for word in words:
        assert word in page
    assert page.index("/links/gw-2") < page.index("/links/gw-1")
    assert page.count('<svg class="spark"') == 2 and 'class="lacks"' in page
    one = await client.get("/links/gw-2")
    assert one.status_code == 200 and one.text.count("/lifts/") == 12
    assert (await client.get("/links/nobody")).status_code == 404
    empty = await client.get("/links?vendor=nobody")
    assert empty.status_code == 200
