"""Answers that are kept while the journal stands, and files that are kept in memory."""

from __future__ import annotations

import gzip
import re
import time

import pytest

from alerts.database.access import reading
from monitor.web import known_lists
from monitor.web.console.render import TEMPLATES
from monitor.web.known_lists import KnownLists
from monitor.web.static_files import STATIC, modules, static_version
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House

FILES = f"/static/{static_version()}"
LIST, FLEET = ((STATIC / "css" / f"{name}.css").read_text("utf-8") for name in ("list", "fleet"))
ROWS = (STATIC / "js" / "rows.js").read_bytes()


def test_answer_is_read_again_after_a_journal_line(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_lists, "MOST_S", 1e6)
    known, read = KnownLists(), iter(range(100))

    def ask(asked: str) -> int:
        with reading(house.engine) as conn:
            return known.of(conn, asked, lambda: next(read))

    assert [ask("a"), ask("a"), ask("b")] == [0, 0, 1]
    house.raise_alert(0)
    assert [ask("a"), ask("b"), ask("b")] == [2, 3, 3]


def test_answer_is_read_again_after_its_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    known, read, now = KnownLists(), iter(range(100)), [time.monotonic()]
    monkeypatch.setattr(known_lists.time, "monotonic", lambda: now[0])
    with reading(house.engine) as conn:
        assert known.of(conn, "a", lambda: next(read)) == 0
        now[0] += known_lists.MOST_S
        assert known.of(conn, "a", lambda: next(read)) == 1


def test_script_is_told_with_all_it_needs_each_behind_what_it_needs() -> None:
    told = modules("alerts_page")
    assert told[-1] == "alerts_page"
    assert len(told) == len(set(told))
    assert told.index("texts") < told.index("clock") < told.index("rows")


async def test_styles_come_as_one_in_the_order_of_their_names(enter: Enter) -> None:
    client = enter()
    answer = await client.get(f"{FILES}/css/list+fleet.css")
    assert answer.text == f"{LIST}\n{FLEET}"
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    ["css/tokens+none.css", "css/none.css", "js/act+feed.js", "css/list+list+fleet.css",
     "css/fleet+list.css", "css/list+fleet+fleet.css"],
)  # fmt: skip
async def test_file_that_is_not_there_is_not_found(enter: Enter, name: str) -> None:
    assert (await enter().get(f"{FILES}/{name}")).status_code == 404


async def test_every_style_a_page_asks_for_is_there(enter: Enter) -> None:
    client, asked = enter(), set[str]()
    for page in TEMPLATES.rglob("*.html"):
        asked |= set(re.findall(r"\{\{ static \}\}/(css/[^\"]+)", page.read_text("utf-8")))
    assert len([name for name in asked if "+" in name]) > 5
    for name in asked:
        assert (await client.get(f"{FILES}/{name}")).status_code == 200, name


async def test_files_are_packed_for_who_can_unpack_them(enter: Enter) -> None:
    client = enter()
    async with client.stream("GET", f"{FILES}/js/rows.js") as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    plain = await client.get(f"{FILES}/js/rows.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain.content == ROWS
