"""Import and export: what went out comes in as it was, and spreadsheets' habits do no harm."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from openpyxl import Workbook, load_workbook

from alerts.directory.directory_file import load_directory, parse_directory
from alerts.directory.sheets.columns import SHEETS
from alerts.directory.sheets.files import write_grids
from alerts.directory.sheets.tables import read_tables, rendered, write_tables
from alerts.directory.sheets.transfer import Import, Refused, import_from
from config.errors import ConfigError
from tests.alerts.conftest import T0
from tests.alerts.directory.sheets.sites import tables

ZONE = "Asia/Shanghai"
BOOK = """# our own words
[[unit]]
id = "anda"
kind = "maintenance"
name_zh = "安达"
name_en = "Anda"
phone = "02368001234"
[[contact]]
id = "zhang"
unit = "anda"
name = "张伟"
phone = "013912345678"
mqtt = true
[[contact]]
id = "li"
unit = "anda"
name = "李强"
mqtt = true
lang = "en"
[[duty]]
unit = "anda"
contacts = ["zhang", "li"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "directory.toml").write_text(BOOK, "utf-8")
    return tmp_path


def at(*parts: int) -> datetime:
    """Local time, as a spreadsheet has it."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def take(site: Path, source: Path) -> Import:
    return import_from(source, read_tables(site / "directory.toml", ZONE), site, ZONE)


def sheet(site: Path, title: str, *rows: list[Any], name: str = "in.xlsx") -> Path:
    book = Workbook()
    page = book.worksheets[0]
    page.title = title
    for row in rows:
        page.append(row)
    book.save(site / name)
    return site / name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_what_went_out_comes_in_as_it_was(made: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "directory.toml"
        file.write_text(rendered(made), "utf-8")
        old = read_tables(file, ZONE)
        assert load_directory(file, ZONE) == parse_directory(made, file, folder, ZONE)
        for target in (folder / "out.xlsx", folder / "out"):
            write_grids(target, old)
            found = take(folder, target)
            assert found.none and found.tables == old, [d.as_json() for d in found.differences]
            assert found.notes == []
        # into an empty site: all of it is new, and written it is the same directory
        other = folder / "other"
        other.mkdir()
        (other / "directory.toml").write_text("", "utf-8")
        found = take(other, folder / "out.xlsx")
        write_tables(other / "directory.toml", found.tables, ZONE, T0)
        assert load_directory(other / "directory.toml", ZONE) == load_directory(file, ZONE)


def test_the_difference_is_told_field_by_field(site: Path) -> None:
    source = sheet(
        site, "联系人",
        ["编号", "单位", "姓名", "电话", "消息主题", "邮箱"],
        ["zhang", "anda", "张伟", "013912345678", "是", "zhang@example.org"],
        [None, "", "  ", None, None, None],
        ["wang", "安达", "王芳", None, "yes", None],
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        take(site, source)  # li is still in the roster
    assert "directory.toml" in str(refused.value) and "duty[0].contacts" in str(refused.value)
    rows = [["单位 unit", "值班人 contacts"], ["安达", "张伟、王芳"]]
    book = load_workbook(source)
    page = book.create_sheet("值班 duties")
    for row in rows:
        page.append(row)
    book.save(source)
    found = take(site, source)
    contact, duty = (one.as_json() for one in found.differences)
    assert contact == {
        "sheet": "contacts",
        "added": [{"row": "wang", "id": "wang", "unit": "anda", "name": "王芳", "mqtt": "yes"}],
        "removed": [{"row": "li"}],
        "changed": [{"row": "zhang", "fields": {"email": ["", "zhang@example.org"]}}],
        "order_changed": False,
    }
    assert duty["changed"] == [
        {"row": "anda · main", "fields": {"contacts": ["zhang; li", "zhang; wang"]}}
    ]
    assert found.tables["unit"] == read_tables(site / "directory.toml", ZONE)["unit"]


def test_a_column_that_is_not_there_stays_as_it_is(site: Path) -> None:
    rows = ["zhang", "anda", "张伟", "是"], ["li", "anda", "李强", True]
    found = take(site, sheet(site, "contacts", ["id", "unit", "name", "mqtt"], *rows))
    assert found.none


def test_applying_is_atomic_keeps_the_head_and_a_backup(site: Path) -> None:
    file = site / "directory.toml"
    source = sheet(site, "contacts", ["id", "phone"], ["zhang", "0139"], ["li", ""])
    found = take(site, source)
    backup = write_tables(file, found.tables, ZONE, T0)
    assert backup.read_text("utf-8") == BOOK
    assert file.read_text("utf-8").startswith('# our own words\n\n[[unit]]\nid = "anda"\n')
    assert load_directory(file).contacts["zhang"].phone == "0139"
    assert sorted(one.name for one in site.iterdir()) == [
        "directory.toml", backup.name, "in.xlsx",
    ]  # fmt: skip
    for i in range(15):
        write_tables(file, found.tables, ZONE, T0 + 1000 * i)
    assert len(list(site.glob("*.bak"))) == 10


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(site: Path, code: str, mark: str) -> None:
    text = mark.join(["编号", "单位", "姓名", "电话", "消息主题"]) + "\r\n\r\n"
    text += mark.join(["zhang", "anda", '"张伟"', "013912345678", "是"]) + "\r\n"
    text += mark.join(["li", "anda", "李强", "", "是"]) + "\r\n" + mark * 4 + "\r\n"
    file = site / "联系人.csv"
    file.write_bytes(text.encode(code))
    assert take(site, file).none


def test_a_number_that_lost_its_zero_is_mended_where_it_can_be(site: Path) -> None:
    source = sheet(site, "contacts", ["id", "phone"], ["zhang", 13912345678], ["li", 2368001234])
    found = take(site, source)
    assert [one.as_json()["changed"] for one in found.differences] == [
        [{"row": "li", "fields": {"phone": ["", "2368001234"]}}]
    ]
    assert "013912345678 is kept" in found.notes[0].en
    assert "format the column as text" in found.notes[1].en
    book = load_workbook(source)
    book.worksheets[0]["B3"].number_format = "00000000000"
    book.save(source)
    assert take(site, source).tables["contact"][1]["phone"] == "02368001234"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (at(2026, 1, 5), date(2026, 1, 5)),
        (46027, date(2026, 1, 5)),
        ("46027", date(2026, 1, 5)),
        (20260105, date(2026, 1, 5)),
        ("2026/1/5", date(2026, 1, 5)),
        ("2026年1月5日", date(2026, 1, 5)),
        ("2026.01.05", date(2026, 1, 5)),
        ("2026-01-05 00:00", date(2026, 1, 5)),
        ("1/5/2026", None),
        ("2026-02-30", None),
        ("soon", None),
    ],
)
def test_dates_as_numbers_or_text(site: Path, value: Any, wanted: date | None) -> None:
    source = sheet(site, "contracts", ["维保单位", "开始", "电梯"], ["anda", value, "0" * 20])
    if wanted is not None:
        assert take(site, source).tables["contract"][0]["from"] == wanted
        return
    with pytest.raises(Refused) as refused:
        take(site, source)
    (reason,) = refused.value.reasons
    assert reason.key == "sheet contracts, row 2, column 开始 from"
    assert reason.value == value and "2026-10-01" in reason.way_out.en


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("8:00", "08:00"), ("20：30", "20:30"), ("8点", "08:00"), (0.5, "12:00"), ("24:00", "00:00"),
     (time(9, 30), "09:30")],
)  # fmt: skip
def test_hours_as_people_write_them(site: Path, value: Any, wanted: str) -> None:
    source = sheet(
        site, "duties", ["unit", "time", "contacts", "周几", "days"][:3], ["anda", value, "li"]
    )
    assert take(site, source).tables["duty"][0]["time"] == wanted


def test_swaps_by_day_and_by_hour(site: Path) -> None:
    source = sheet(
        site, "调班", ["单位", "类型", "原值班人", "替班人", "开始", "结束"],
        ["安达", "病假", "张伟", "李强", at(2026, 10, 1), "2026-10-03"],
        ["anda", "换班", "li", "zhang", at(2026, 11, 1, 8), "2026年11月2日 20:30"],
    )  # fmt: skip
    book = load_workbook(source)
    book.worksheets[0]["E2"].number_format = "yyyy-mm-dd"
    book.save(source)
    first, second = take(site, source).tables["swap"]
    assert (first["kind"], first["out"], first["from"]) == ("illness", "zhang", date(2026, 10, 1))
    assert (second["from"], second["to"]) == (
        at(2026, 11, 1, 8), at(2026, 11, 2, 20, 30),
    )  # fmt: skip


def test_every_cell_that_is_wrong_is_named_at_once(site: Path) -> None:
    source = sheet(
        site, "contracts", ["unit", "from", "lifts", "until when"],
        ["anda", "soon", 31105001992014000001, None],
        ["anda", "2026-01-01", "3.1105E+19", None],
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        take(site, source)
    keys = [reason.key for reason in refused.value.reasons]
    assert keys == [
        "sheet contracts, row 1, column 4",
        "sheet contracts, row 2, column 开始 from",
        "sheet contracts, row 2, column 电梯 lifts",
        "sheet contracts, row 3, column 电梯 lifts",
    ]
    assert "format the column as text" in refused.value.reasons[2].way_out.en
    for reason in refused.value.reasons:
        assert reason.way_out.zh and reason.way_out.en


def test_what_the_directory_refuses_is_named_by_its_cell(site: Path) -> None:
    source = sheet(site, "contacts", ["id", "email", "lang"], ["zhang", "", ""], [""] * 3,
                   ["li", "nobody", "英文"])  # fmt: skip
    with pytest.raises(Refused) as refused:
        take(site, source)
    (reason,) = refused.value.reasons
    assert (reason.key, reason.value) == ("sheet contacts, row 4, column 邮箱 email", "nobody")


def test_files_that_are_no_spreadsheets(site: Path) -> None:
    for name, raw in (("a.xlsx", b"PK"), ("a.xls", b""), ("x.csv", b"a,b"), ("none.csv", None)):
        if raw is not None:
            (site / name).write_bytes(raw)
        with pytest.raises(ConfigError):
            take(site, site / name)


def test_what_is_exported_stays_text(site: Path) -> None:
    target = site / "out.xlsx"
    write_grids(target, read_tables(site / "directory.toml", ZONE))
    book = load_workbook(target)
    assert book.sheetnames == [one.title for one in SHEETS]
    page = book["联系人 contacts"]
    cell = page["D2"]
    assert (page["D1"].value, cell.value, cell.data_type, cell.number_format) == (
        "电话 phone", "013912345678", "s", "@",
    )  # fmt: skip
