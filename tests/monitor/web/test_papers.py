"""Stories and drafts over the API, and where the console offers them."""

from __future__ import annotations

from sqlalchemy import update

from alerts.database.access import writing
from alerts.database.tables import alert
from monitor.web.api import examples
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House


async def test_a_story_is_json_and_paper(enter: Enter, house: House) -> None:
    ident, client = house.raise_alert(0), enter("operator")
    story = (await client.get(f"/api/v1/alerts/{ident}/story")).json()
    assert set(examples.STORY) <= set(story)
    assert set(examples.DEADLINE) == set(story["deadlines"][0])
    assert "开锁区域 否" in [one["text"]["zh"] for one in story["evidence"]]
    for lang in ("zh", "en"):
        paper = await client.get(f"/api/v1/alerts/{ident}/story.pdf?lang={lang}")
        assert paper.headers["content-type"] == "application/pdf"
        assert paper.content.startswith(b"%PDF")
    draft = (await client.get(f"/api/v1/alerts/{ident}/accident")).json()
    assert set(examples.DRAFT) <= set(draft)
    paper = await client.get(f"/api/v1/alerts/{ident}/accident.pdf")
    assert paper.content.startswith(b"%PDF")


async def test_a_story_is_only_for_those_who_may_see_the_alert(enter: Enter, house: House) -> None:
    ident = house.raise_alert(0)
    for path in ("story", "story.pdf", "accident", "accident.pdf"):
        address = f"/api/v1/alerts/{ident}/{path}"
        assert (await enter("firm-a").get(address)).status_code == 200
        assert (await enter("firm-b").get(address)).status_code == 404
        assert (await enter().get(address)).status_code == 401
    wrong = await enter("operator").get(f"/api/v1/alerts/{ident}/story.pdf?lang=fr")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "lang")


async def test_the_console_offers_the_draft_once_it_is_due(enter: Enter, house: House) -> None:
    ident, client = house.raise_alert(0), enter("operator")
    before = (await client.get(f"/alerts/{ident}")).text
    assert f"/api/v1/alerts/{ident}/story.pdf" in before and "accident.pdf" not in before
    with writing(house.engine) as conn:
        conn.execute(update(alert).values(accident=True))
    assert f"{ident}/accident.pdf" in (await client.get(f"/alerts/{ident}")).text
