"""The registry in and out of spreadsheets by the command line: nothing lost, nothing by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from devices.registry import load_registry
from monitor.cli import build
from monitor.registry.files import SiteFiles
from tests.support.site import reg_code, write_small_site


class Site:
    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.folder = write_small_site(folder / "site", lifts=6, gateways=2)
        (folder / "site.toml").write_text('data_dir = "var"\n[site]\nfolder = "site"\n', "utf-8")

    def run(self, *command: str) -> Any:
        line = ["registry", *command, "--config", str(self.root / "site.toml")]
        return CliRunner().invoke(build(["registry"]), line)

    def well(self, *command: str) -> str:
        done = self.run(*command)
        assert done.exit_code == 0, (done.output, done.exception)
        return str(done.stdout)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


FULL = (
    "reg_code,rescue_code,name,place,street_office,use_unit,maintenance,gateway,type,rated_speed,"
    "rated_load_kg,floor_lo,floor_hi,feeder,period_s,lat,lon,inspection_due,last_visit,"
    "planned_visit,voice_link,group,sensor_set,colour\n"
    f"{reg_code(0)},000123,=1+1,山城 1 栋,so-1,uu-1,firm-1,gw-0,residential,0.63,1000,-2,33,f-1,"
    "0.5,29.563001,106.550001,2027-03-31,2026-11-01,,no,rural,basic,green\n"
    f"{reg_code(1)},012345,-2号,a;b,so-1,uu-1,firm-1,gw-1,escalator,0.5,50,1,2,f-1,3600,-90,180,,,,"
    "yes,,,\n"
)


@pytest.mark.parametrize("target", ["book.xlsx", "csv"])
def test_out_and_in_again_changes_nothing(site: Site, target: str) -> None:
    (site.folder / "lifts.csv").write_text("\ufeff" + FULL, "utf-8")
    (site.folder / "sensor_sets.csv").write_text(
        "id,name,channels\nbasic,基本,speed;door_state\n", "utf-8"
    )
    before = load_registry(site.folder)
    out = str(site.root / target)
    site.well("export", out)
    told = json.loads(site.well("import", out, "--json"))
    assert [(s["added"], s["changed"], s["removed"]) for s in told["sheets"]] == [([], [], [])] * 3
    (site.folder / "lifts.csv").write_text(FULL.replace("=1+1", "other"), "utf-8")
    assert json.loads(site.well("import", out, "--json", "--apply"))["applied"]
    after = load_registry(site.folder)
    assert after.lifts == before.lifts
    assert after.sensor_sets == before.sensor_sets
    assert "green" in (site.folder / "lifts.csv").read_text("utf-8"), "an unknown column stays"


def test_the_difference_is_shown_field_by_field_and_nothing_is_written(site: Site) -> None:
    out = site.root / "book.xlsx"
    site.well("export", str(out))
    before = (site.folder / "lifts.csv").read_bytes()
    book = load_workbook(out)
    page = book["电梯 lifts"]
    page["H2"] = "gw-1"
    page.append([*[c.value for c in page[3]]])
    page.cell(page.max_row, 1, reg_code(77))
    page.delete_rows(5)
    book.save(out)
    text = site.well("import", str(out))
    assert "+1 ~1 -1" in text
    assert "gateway: gw-0 → gw-1" in text
    assert f"- {reg_code(3)}" in text
    assert (site.folder / "lifts.csv").read_bytes() == before
    done = site.run("import", str(out), "--apply")
    assert done.exit_code != 0, "who leaves must be meant"
    assert "--retire" in str(done.exception)
    assert (site.folder / "lifts.csv").read_bytes() == before
    site.well("import", str(out), "--apply", "--retire")
    registry = load_registry(site.folder)
    assert registry.find(reg_code(3)) is None
    assert registry.find(reg_code(77)) is not None
    backups = list(site.folder.glob("lifts.csv.*.bak"))
    assert [one.read_bytes() for one in backups] == [before]


def test_a_sheet_a_person_wrote_is_understood(site: Site) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "电梯"
    page.append(["注册代码", "类型", "额定速度", "下次检验"])
    page.append([reg_code(0), "病床电梯", 2.5, "2027年3月31日"])
    for number in range(1, 6):
        page.append([reg_code(number), "住宅电梯", 1.75, None])
    book.save(site.root / "x.xlsx")
    told = json.loads(site.well("import", str(site.root / "x.xlsx"), "--json"))
    (lifts,) = told["sheets"]
    fields = lifts["changed"][0]["fields"]
    assert fields["type"] == ["residential", "bed"]
    assert fields["rated_speed"] == ["1.75", "2.5"]
    assert fields["inspection_due"] == ["", "2027-03-31"]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("H", "gw-9", "gateways.csv"),
        ("J", 99, "0.1..20"),
        ("A", 31105001082012000001, "column as text"),
        ("A", "123", "20 digits"),
        ("W", "none-such", "sensor_sets.csv"),
    ],
)
def test_a_wrong_cell_is_named_where_it_stands(
    site: Site, column: str, value: object, told: str
) -> None:
    out = site.root / "book.xlsx"
    site.well("export", str(out))
    book = load_workbook(out)
    book["电梯 lifts"][f"{column}4"] = value
    book.save(out)
    done = site.run("import", str(out), "--apply")
    assert done.exit_code == 2
    assert "row 4" in done.stderr
    assert told in done.stderr
    assert "Nothing was changed" in done.stderr


def test_a_channel_nobody_knows_and_a_unit_that_is_not_there(site: Site) -> None:
    out = site.root / "csv"
    site.well("export", str(out))
    (out / "sensor_sets.csv").write_text("id,name,channels\nbasic,x,speed;velocity\n", "utf-8")
    done = site.run("import", str(out))
    assert done.exit_code == 2
    assert "velocity" in done.stderr
    (out / "sensor_sets.csv").unlink()
    lifts = out / "lifts.csv"
    lifts.write_text(lifts.read_text("utf-8-sig").replace("firm-2", "firm-9"), "utf-8")
    assert "unit firm-9 is not in the directory" in site.well("import", str(out))


def test_two_editors_do_not_undo_each_other(site: Site) -> None:
    files = SiteFiles(site.folder)
    files.edit(lambda tables: tables["lifts.csv"][0].update(name="甲"), 1)

    def change(tables: dict[str, list[dict[str, str]]]) -> None:
        tables["lifts.csv"][1].update(name="乙")

    SiteFiles(site.folder).edit(change, 2)
    names = [lift.name for lift in load_registry(site.folder).lifts[:2]]
    assert names == ["甲", "乙"]
    (site.folder / "gateways.csv").write_text("id,vendor,place\ngw-0,a,b\ngw-1,,\ngw-5,,\n")
    text = (site.folder / "lifts.csv").read_text("utf-8")
    with pytest.raises(Exception, match="twice"):
        files.edit(lambda t: t["lifts.csv"].append(t["lifts.csv"][0]), 3)
    assert (site.folder / "lifts.csv").read_text("utf-8") == text, "what would not load stays out"
