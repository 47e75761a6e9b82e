"""The quality of alarms over the API and as a page."""

from __future__ import annotations

import pytest

from monitor.web.api import examples
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House


async def test_the_report_has_the_shape_of_its_example(enter: Enter, house: House) -> None:
    house.raise_alert(0)
    found = (await enter("operator").get("/api/v1/quality")).json()
    assert set(examples.QUALITY) == set(found)
    assert found["alarms"] == 1
    assert {one["id"] for one in examples.QUALITY["verdicts"]} <= {
        one["id"] for one in found["verdicts"]
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from_ms=5&to_ms=4", "from_ms"),
        ("from_ms=0", "from_ms"),
        ("positions=0", "positions"),
        ("days=7", "days"),
    ],
)
async def test_what_is_wrong_with_a_period_is_named(enter: Enter, query: str, field: str) -> None:
    answer = await enter("operator").get(f"/api/v1/quality?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_firms_do_not_see_it(enter: Enter) -> None:
    for path in ("/api/v1/quality", "/quality"):
        assert (await enter("firm-a").get(path)).status_code == 403


@pytest.mark.parametrize(
    ("lang", "words"), [("zh-CN", ("报警质量", "抖动", "非平层困人")), ("en", ("Alarm quality",))]
)
async def test_the_page_says_it_in_tables(
    enter: Enter, house: House, lang: str, words: tuple[str, ...]
) -> None:
    house.raise_alert(0)
    page = (await enter("operator", lang=lang).get("/quality")).text
    for word in words:
        assert word in page
    empty = await enter("operator").get("/quality?from=2020-01-01&to=2020-01-02&positions=3")
    assert empty.status_code == 200 and "None." in empty.text
