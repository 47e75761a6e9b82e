"""The CAP feed as a subscriber reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
import xmlschema

from config.notify_settings import Notify
from monitor.web.app import create_app
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House

TOKEN = "a-token-of-the-bureau"
ATOM = "{http://www.w3.org/2005/Atom}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[2] / "support" / "cap12.xsd")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    notify = Notify.model_validate({"cap": {"token": TOKEN, "sender": "lw@jlp.example"}})
    house = House(tmp_path, notify=notify)
    house.users()
    yield house
    house.engine.dispose()


def entries(answer: httpx.Response) -> list[tuple[str, str]]:
    """(title, path of the document) of each entry."""
    found = []
    for entry in ElementTree.fromstring(answer.content).findall(f"{ATOM}entry"):
        link = entry.find(f"{ATOM}link")
        assert link is not None
        path = httpx.URL(str(link.get("href"))).path
        found.append((str(entry.findtext(f"{ATOM}title")), path))
    return found


async def test_a_subscriber_sees_alert_update_and_cancel(enter: Enter, house: House) -> None:
    client, index = enter(), f"/cap/{TOKEN}/index.atom"
    answer = await client.get(index)
    assert answer.headers["content-type"] == "application/atom+xml"
    assert entries(answer) == []
    alert = house.raise_alert(0)
    house.raise_alert(1, rule="18", people=None)  # minor: not for this feed
    ((title, first),) = entries(await client.get(index))
    assert title.startswith("Alert · trapped, not level / 非平层困人")
    document = await client.get(first)
    assert document.headers["content-type"] == "application/cap+xml"
    SCHEMA.validate(document.text)
    desk = enter("operator")
    await desk.step(alert, "accept")
    ((title, second),) = entries(await client.get(index))
    assert title.startswith("Update")
    SCHEMA.validate((await client.get(second)).text)
    await desk.step(alert, "cancel", comment="test")
    ((title, last),) = entries(await client.get(index))
    assert title.startswith("Cancel")
    cancel = await client.get(last)
    SCHEMA.validate(cancel.text)
    references = str(ElementTree.fromstring(cancel.content).findtext(f"{CAP}references"))
    assert len(references.split()) == 2
    assert references.startswith("lw@jlp.example,lw-")
    assert (await client.get(first)).content == document.content, "a document never changes"


@pytest.mark.parametrize(
    "path",
    ["x/index.atom", f"{TOKEN}/lw-1-999.xml", f"{TOKEN}/lw-9-1.xml", f"{TOKEN}/../etc", "é/x"],
)
async def test_without_the_token_or_a_document_there_is_nothing(
    enter: Enter, house: House, path: str
) -> None:
    house.raise_alert(0)
    assert (await enter().get(f"/cap/{path}")).status_code == 404


async def test_a_minor_alert_has_no_document(enter: Enter, house: House) -> None:
    alert = house.raise_alert(1, rule="18", people=None)
    for line in range(1, 5):
        answer = await enter().get(f"/cap/{TOKEN}/lw-{alert}-{line}.xml")
        assert answer.status_code == 404


async def test_the_feed_is_off_until_a_token_is_set(tmp_path: Path) -> None:
    house = House(tmp_path)
    app = create_app(house)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for token in ("", "None", "x"):
                assert (await client.get(f"/cap/{token}/index.atom")).status_code == 404
    house.engine.dispose()
