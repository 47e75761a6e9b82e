"""The registry: rows that never change, and mistakes named by file, line and field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.errors import ConfigError
from devices.registry import load_registry

HEADER = (
    "reg_code,rescue_code,name,place,street_office,use_unit,maintenance,gateway,type,"
    "rated_speed,rated_load_kg,floor_lo,floor_hi,feeder,period_s,lat,lon\n"
)
GOOD = "100001,1号梯,梧桐苑3栋,so-1,uu-1,mf-1,gw-1,residential,1.75,1000,-1,18,f-1,1,29.5,106.5"


def site(folder: Path, *rows: str, gateways: str = "gw-1,acme,机房\n") -> Path:
    (folder / "lifts.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
    (folder / "gateways.csv").write_text("id,vendor,place\n" + gateways, "utf-8")
    return folder


def code(number: int) -> str:
    return f"{number:020d}"


def test_rows_are_kept_over_changes_of_the_file(tmp_path: Path) -> None:
    site(tmp_path, f"{code(1)},{GOOD}", f"{code(2)},{GOOD}")
    known = [code(3), code(2)]  # lift 3 has left the site
    registry = load_registry(tmp_path, known)
    assert registry.row_of == {code(2): 1, code(1): 2}
    assert len(registry) == 3
    assert [lift.reg_code for lift in registry.lifts] == [code(2), code(1)]
    assert registry.find(code(3)) is None
    with pytest.raises(KeyError):
        registry.lift(0)
    columns = registry.columns()
    assert np.isnan(columns["rated_speed"][0])
    assert columns["rated_speed"][1] == np.float32(1.75)
    assert registry.lift_gateway.tolist() == [-1, 0, 0]


@pytest.mark.parametrize(
    ("row", "key", "right"),
    [
        (f"123,{GOOD}", "line 2, reg_code", "20 digits"),
        (f"{code(1)},{GOOD}".replace("1.75", "fast"), "line 2, rated_speed", "number"),
        (f"{code(1)},{GOOD}".replace("1.75", "99"), "line 2, rated_speed", "0.1..20"),
        (f"{code(1)},{GOOD}".replace("gw-1", "gw-9"), "line 2, gateway", "gateways.csv"),
        (f"{code(1)},{GOOD}".replace(",-1,18", ",18,18"), "line 2, floor_lo", "below floor_hi"),
        (f"{code(1)},{GOOD}\n{code(1)},{GOOD}", "line 3, reg_code", "twice"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, row: str, key: str, right: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_registry(site(tmp_path, row))
    assert "lifts.csv" in str(caught.value)
    assert key in str(caught.value)
    assert right in str(caught.value)


def test_a_missing_file_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gateways\.csv"):
        load_registry(tmp_path)
    site(tmp_path)
    (tmp_path / "lifts.csv").write_text("reg_code,name\n", "utf-8")
    with pytest.raises(ConfigError, match="rescue_code"):
        load_registry(tmp_path)


def test_a_gateway_name_must_fit_a_topic(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="letters"):
        load_registry(site(tmp_path, gateways="gw/1,acme,x\n"))


OPTIONAL = ",inspection_due,last_visit,planned_visit,voice_link"


def dated(folder: Path, *cells: str) -> Path:
    site(folder, *(f"{code(i)},{GOOD},{more}" for i, more in enumerate(cells, start=1)))
    file = folder / "lifts.csv"
    file.write_text(file.read_text("utf-8").replace("lat,lon\n", f"lat,lon{OPTIONAL}\n"), "utf-8")
    return folder


def test_what_may_be_missing_is_unknown(tmp_path: Path) -> None:
    columns = load_registry(site(tmp_path, f"{code(1)},{GOOD}")).columns()
    for name in ("inspection_due_day", "last_visit_day", "planned_visit_day", "voice_link"):
        assert np.isnan(columns[name]).all() and columns[name].dtype == np.float32
    cells = ("2026-09-30,1990-01-01,2100-12-31,yes", ",,,no", ",,,")
    registry = load_registry(dated(tmp_path, *cells))
    columns = registry.columns()
    days = [columns[n][0] for n in ("inspection_due_day", "last_visit_day", "planned_visit_day")]
    assert days == [20726, 7305, 47846]  # exact: 2026-09-30 is 20,726 days after 1970-01-01
    assert columns["voice_link"][:2].tolist() == [1, 0]
    assert np.isnan([columns[n][2] for n in columns if n.endswith("_day")]).all()
    assert str(registry.lift(0).inspection_due) == "2026-09-30"


@pytest.mark.parametrize(
    ("cells", "key", "right"),
    [
        ("30.9.2026,,,", "line 2, inspection_due", "2026-03-31"),
        ("1889-01-01,,,", "line 2, inspection_due", "1990..2100"),
        (",2026-02-30,,", "line 2, last_visit", "2026-03-31"),
        (",,soon,", "line 2, planned_visit", "empty where unknown"),
        (",,,maybe", "line 2, voice_link", "yes or no"),
    ],
)
def test_a_wrong_day_or_word_is_named(tmp_path: Path, cells: str, key: str, right: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_registry(dated(tmp_path, cells))
    assert key in str(caught.value) and right in str(caught.value)
