"""A lift's past by the API: what each address tells, and raw samples taken away whole."""

from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow.parquet as pq
import pytest

from devices.batch import MessageRows, TelemetryBatch
from devices.vocabulary import load_vocabulary
from monitor.web.api import examples_past
from monitor.web.api.paging import cursor_of
from monitor.web.export import Progress, Wanted, stream
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.past_site import ROWS
from tests.monitor.web.town import reg_code

LIFT = reg_code(0)
API = f"/api/v1/lifts/{LIFT}"
SEVENTEEN = list(load_vocabulary().by_name)[:17]


async def test_curves_marks_and_gaps(enter: Enter, house: House, end_ms: int) -> None:
    alert = house.raise_alert(0)
    client = enter("operator")
    query = {"channels": "speed,door_state", "points": 100, "from_ms": end_ms - ROWS * 1000,
             "to_ms": end_ms}  # fmt: skip
    told = (await client.get(f"{API}/curves", params=query)).json()
    assert max(told["channels"]["speed"]["hi"]) == pytest.approx(1, abs=0.001)
    assert min(told["channels"]["speed"]["lo"]) == pytest.approx(-1, abs=0.001)
    assert sum(told["samples"]) == ROWS - 500
    assert len(told["gaps"]) == 1
    assert told["gaps"][0]["to_ms"] - told["gaps"][0]["from_ms"] == pytest.approx(500_000, abs=1e5)
    marks = (await client.get(f"{API}/marks")).json()
    assert [one["id"] for one in marks["alerts"]] == [alert]
    assert len(marks["power_cuts"]) == 1
    assert [one["kind"] for one in marks["visits"]] == ["inspection_mode"]


async def test_a_month_tells_the_same_power_cuts_and_visits_as_its_day(
    enter: Enter, house: House, end_ms: int
) -> None:
    client = enter("operator")

    async def told(days: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        times = {"from_ms": end_ms - days * 86_400_000, "to_ms": end_ms}
        marks = (await client.get(f"{API}/marks", params=times)).json()
        cuts, visits = (
            [(one["from_ms"], one["to_ms"]) for one in marks[name]]
            for name in ("power_cuts", "visits")
        )
        return cuts, visits

    near, far = await told(1), await told(30)  # the month is sought by the hour first
    assert [len(found) for found in near] == [1, 1]
    assert near == far


@pytest.mark.parametrize(
    ("part", "example"),
    [
        ("curves", examples_past.CURVES), ("marks", examples_past.MARKS),
        ("trips", examples_past.TRIPS), ("drift", examples_past.DRIFT),
        ("messages", examples_past.MESSAGES), ("visits", examples_past.VISITS),
        ("quality", examples_past.QUALITY), ("documents", examples_past.DOCUMENTS),
        ("alerts", examples_past.ALERTS),
    ],
)  # fmt: skip
async def test_answers_have_what_the_examples_show(
    part: str, example: dict[int | str, dict], enter: Enter, end_ms: int
) -> None:
    told = (await enter("operator").get(f"{API}/{part}")).json()
    wanted = example[200]["content"]["application/json"]["example"]
    assert set(wanted) <= set(told)


async def test_messages_count_what_came_and_page(enter: Enter, end_ms: int) -> None:
    client = enter("operator")
    told = (await client.get(f"{API}/messages", params={"limit": 1})).json()
    assert [(one["code"], one["times"]) for one in told["codes"]] == [(2, 1)]
    assert [one["state"] for one in told["messages"]] == ["off"]
    rest = await client.get(f"{API}/messages", params={"cursor": told["next_cursor"]})
    assert [one["state"] for one in rest.json()["messages"]] == ["on"]


async def test_late_messages_move_no_page(enter: Enter, house: House, end_ms: int) -> None:
    client, at = enter("operator"), f"{API}/messages"
    page = (await client.get(at, params={"limit": 1})).json()
    seen = [(one["ts_ms"], one["code"]) for one in page["messages"]]
    ts = np.array([seen[0][0] + 1000, seen[0][0], seen[0][0] - 1000], np.int64)  # around it
    told = MessageRows(
        np.zeros(3, np.int32), ts, np.array([7, 7, 7], np.int32), np.ones(3, np.int8),
        np.ones(3, np.bool_),
    )  # fmt: skip
    empty = TelemetryBatch.empty(len(house.vocab))
    late = TelemetryBatch(empty.lift, empty.ts_ms, empty.values, empty.late, told)
    house.quarantine._history.append(late, end_ms, {})
    while page["next_cursor"]:
        page = (await client.get(at, params={"limit": 1, "cursor": page["next_cursor"]})).json()
        seen += [(one["ts_ms"], one["code"]) for one in page["messages"]]
    first = end_ms - (ROWS - 20) * 1000
    assert seen == [(first, 2), (first, 7), (first - 1000, 7), (first - 10_000, 2)]


async def test_the_page_of_messages_leads_on_by_their_place(enter: Enter, end_ms: int) -> None:
    client = enter("operator")
    first = end_ms - (ROWS - 20) * 1000
    part = f"/lifts/{LIFT}/part?tab=messages&after="
    whole, rest = await client.get(part), await client.get(f"{part}{first}.2.0")
    assert rest.text.count("<tr") == whole.text.count("<tr") - 1
    assert (await client.get(f"{part}nonsense")).status_code == 422


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/curves?channels=speed,nonsense", "channels"),
        ("/curves?from_ms=5&to_ms=4", "from_ms"),
        ("/trips?from_ms=1&to_ms=1000000000", "from_ms"),
        ("/export?channels=nonsense", "channels"),
        (f"/curves?channels={','.join(SEVENTEEN)}", "channels"),
        (f"/quality?from_ms={10**30 - 5}&to_ms={10**30}", "from_ms"),
        *(
            (f"/messages?cursor={cursor_of('messages', forged)}", "cursor")
            for forged in ("x+1.2.3", "5+x", "5", f"{10**30}+1.2.3", f"5+{10**30}.1.1", "5+1.2.-3")
        ),
        (f"/alerts?cursor={cursor_of('lift alerts', 10**30)}", "cursor"),
        (f"/alerts?cursor={cursor_of('lift alerts', -1)}", "cursor"),
    ],
)
async def test_refusals_name_the_field(path: str, field: str, enter: Enter, end_ms: int) -> None:
    answer = await enter("operator").get(API + path)
    assert answer.status_code == 422
    assert answer.json()["field"] == field


async def test_csv_holds_every_sample_with_units_and_zone(enter: Enter, end_ms: int) -> None:
    client = enter("operator")
    query = {"channels": "speed,door_state", "from_ms": end_ms - ROWS * 1000, "to_ms": end_ms,
             "key": "mine"}  # fmt: skip
    answer = await client.get(f"{API}/export", params=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert LIFT in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8"))))
    assert rows[0] == ["ts_ms", "time (Asia/Shanghai)", "speed [m/s]", "door_state"]
    assert len(rows) == 1 + ROWS - 500
    assert int(rows[1][0]) == end_ms - ROWS * 1000
    assert rows[1][1].endswith("+0800")
    told = (await client.get(f"{API}/export/mine")).json()
    assert told == {
        "reg_code": LIFT, "state": "done", "share": 1.0, "rows": ROWS - 500,
        "bytes": len(answer.content),
    }  # fmt: skip
    assert (await enter("admin").get(f"{API}/export/mine")).status_code == 404, "one's own only"


async def test_parquet_holds_the_same_and_says_what_it_is(enter: Enter, end_ms: int) -> None:
    query = {"form": "parquet", "from_ms": end_ms - ROWS * 1000, "to_ms": end_ms}
    answer = await enter("operator").get(f"{API}/export", params=query)
    table = pq.read_table(io.BytesIO(answer.content))
    assert table.num_rows == ROWS - 500
    about = table.schema.metadata
    assert about[b"reg_code"] == LIFT.encode() and about[b"zone"] == b"Asia/Shanghai"
    assert table.schema.field("speed [m/s]").metadata[b"unit"] == b"m/s"
    assert table["speed [m/s]"].null_count == 0 and table["load [% rated]"].null_count == ROWS - 500


async def test_a_firm_takes_away_only_its_own(enter: Enter, end_ms: int) -> None:
    other = f"/api/v1/lifts/{LIFT}/export"
    assert (await enter("firm-b").get(other)).status_code == 404
    assert (await enter("firm-b").get(f"/lifts/{LIFT}/export")).status_code == 404
    assert (await enter("firm-a").get(other)).status_code == 200


def test_who_goes_away_stops_the_export(house: House, end_ms: int) -> None:
    lift = house.registry.lift(0)
    begin = end_ms - 3 * 86_400_000
    progress = Progress("x", LIFT, begin, end_ms, begin)
    wanted = Wanted(lift, 0, [house.vocab.by_name["speed"]], begin, end_ms, "Asia/Shanghai")
    pieces = stream(house.past, wanted, "csv", progress)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert progress.state == "stopped"


async def test_the_form_leads_to_the_api(enter: Enter, end_ms: int) -> None:
    path = f"/lifts/{LIFT}/export?from=2026-03-01T08:00&to=2026-03-01T09:00&channel=speed&form=csv"
    answer = await enter("operator").get(path)
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert "from_ms=1772323200000" in where and "channels=speed" in where  # 08:00 in Shanghai


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_every_part_is_there_alone_and_in_the_page(
    lang: str, enter: Enter, house: House, end_ms: int
) -> None:
    house.say(0)
    house.quarantine.add(lift=LIFT)
    client = enter("firm-a", lang)
    for tab in ("charts", "trips", "drift", "messages", "visits", "quality", "alerts", "documents",
                "export"):  # fmt: skip
        part = await client.get(f"/lifts/{LIFT}/part?tab={tab}")
        page = await client.get(f"/lifts/{LIFT}?tab={tab}")
        assert part.status_code == page.status_code == 200, tab
        assert "<html" not in part.text and 'id="part"' in page.text
    assert (await client.get(f"/lifts/{LIFT}?from=nonsense")).status_code == 422
