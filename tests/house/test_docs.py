"""What the docs say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.settings import Settings
from monitor.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
GLOSSARY = ROOT / "docs" / "glossary.md"
TERMS = """
    lift gateway sample batch signal rule transition alert incident chain timer unit contact duty
    outbox page receipt ledger quarantine refusal late boot seq durable gap channel vocabulary
    evidence severity latched hold clear journal feed history baseline detector registry site
"""


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for link in (one or other for one, other in links):
        if not re.match(r"https?:|mailto:|#", link):
            target = (page.parent / link.split("#")[0]).resolve()
            assert target.exists(), f"{page.relative_to(ROOT)} links to {link}: not there"
            assert target.is_relative_to(ROOT), f"{link} leads out of the tree"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_make_commands_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    said = set(re.findall(r"(?:`|^\s*\$? *)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE))
    assert said <= known


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_liftwatch_commands_exist(page: Path) -> None:
    from monitor.cli import COMMANDS

    known = set(COMMANDS)
    said = set(re.findall(r"(?:`|bin/|^)liftwatch ([a-z]+)", page.read_text("utf-8"), re.MULTILINE))
    assert said <= known


def _keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _keys(kind, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def test_operations_page_tells_of_every_setting_and_of_no_other() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = text[text.index("<!-- settings -->") : text.index("<!-- /settings -->")]
    told = set(re.findall(r"^\| `([\w.]+)`", table, re.MULTILINE))
    assert told == _keys(Settings)


def test_metrics_that_are_told_of_are_counted() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    told = set(re.findall(r"`(liftwatch_\w+)", text))
    counted = {
        f"{metric.name}{'_total' if metric.type == 'counter' else ''}"
        for metric in Metrics().registry.collect()
    }
    assert told
    assert told <= counted


def _glossary() -> dict[str, list[str]]:
    rows = re.findall(r"^\|(.+)\|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return {row[0].strip("`* "): row[1:] for row in cells if not set(row[0]) <= set("-: ")}


@pytest.mark.parametrize("term", TERMS.split())
def test_glossary_has_the_term_in_both_languages(term: str) -> None:
    chinese, meaning = _glossary()[term]
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert re.search(r"[a-z]{3}", meaning)
    assert re.search(r"[\u4e00-\u9fff]", meaning)
