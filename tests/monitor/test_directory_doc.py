"""docs/directory.md: its example is a site, its commands say what the page says they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import build
from tests.support.site import HEADER

DOC = Path(__file__).parents[2] / "docs" / "directory.md"
LIFT = (
    "31105001990000000001,000001,梧桐苑1号梯,梧桐苑1栋,desk,garden,anda,gw-1,residential,"
    "1.75,1000,-1,18,f-1,10,29.5,106.5\n"
)


def block(name: str, kind: str) -> list[str]:
    found = re.search(rf"<!-- try: {name} -->\n```{kind}\n(.*?)```\n(?:```text\n(.*?)```)?",
                      DOC.read_text("utf-8"), re.S)  # fmt: skip
    assert found, f"docs/directory.md has no block {name!r}"
    return [part or "" for part in found.groups()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "directory.toml").write_text(block("directory.toml", "toml")[0], "utf-8")
    (folder / "lifts.csv").write_text(HEADER + LIFT, "utf-8")
    (folder / "gateways.csv").write_text("id,vendor,place\ngw-1,acme,机房\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def plain(text: str) -> str:
    """Blanks of a table are not what it says."""
    return re.sub(r" +", " ", text)


def run(*args: str) -> str:
    done = CliRunner().invoke(build([args[0]]), list(args))
    assert done.exit_code == 0, (args, done.output, done.exception)
    return done.output


@pytest.mark.parametrize("name", ["explain", "sheets"])
def test_what_the_page_says_is_what_is_said(site: Path, name: str) -> None:
    commands, wanted = block(name, "sh")
    output = ""
    for line in commands.strip().splitlines():
        program, *args = shlex.split(line)
        assert program == "liftwatch"
        output += run(*args)
    place = 0
    for line in wanted.strip().splitlines():
        found = plain(output).find(plain(line), place)
        assert found >= 0, f"{line!r} is not said (in this order):\n{output}"
        place = found
    assert name != "explain" or "0100-00020112" not in output


def test_a_calendar_goes_out_and_comes_in(site: Path) -> None:
    run("roster", "export", "--site", "site", "--unit", "anda", "--from", "2026-10-01",
        "--days", "30", "--out", "a.ics")  # fmt: skip
    text = (site.parent / "a.ics").read_text("utf-8")
    assert "X-LIFTWATCH-CONTACT:li" in text.replace("\r\n ", "")
    args = ("roster", "import", "a.ics", "--site", "site", "--unit", "anda", "--line", "night")
    before = (site / "directory.toml").read_text("utf-8")
    told = run(*args, "--from", "2026-10-03", "--days", "1")
    assert "2026-10-03 20:00" in told and "李强" in told
    assert (site / "directory.toml").read_text("utf-8") == before
    run(*args, "--apply")
    assert (site / "rosters" / "anda-night.ics").exists()
    assert 'calendar = "rosters/anda-night.ics"' in (site / "directory.toml").read_text("utf-8")
    told = run(
        "roster", "show", "--site", "site", "--unit", "anda", "--from", "2026-10-08", "--days", "1"
    )
    assert "night" in told and "陈工" in told


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("chain", "explain", "--lift", "x", "--rule", "1"), "梧桐苑"),
        (("chain", "explain", "--lift", "000001", "--rule", "x"), "off_duty"),
        (("chain", "explain", "--lift", "000001", "--rule", "1", "--at", "x"), "2026-10-01T03:00"),
        (("roster", "show", "--unit", "x"), "desk | bureau"),
        (("roster", "show", "--unit", "garden"), "[[duty]]"),
        (("directory", "import", "none.pdf"), ".xlsx"),
    ],
)
def test_refusals_teach(site: Path, args: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(build([args[0]]), [*args, "--site", "site"])
    assert done.exit_code != 0
    assert told in f"{done.output}{done.exception}" or "31105001990000000001" in str(done.exception)
