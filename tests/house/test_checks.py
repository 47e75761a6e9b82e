"""`make check` finds what it promises to find: each fault is planted once."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


def _module(script: object, name: str) -> ModuleType:
    assert callable(script)
    module = script(name)
    assert isinstance(module, ModuleType)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", None),
        ("see docs/wire.md and /etc/liftwatch\n", None),
        ("open('" + "/ro" + "ot/secret')\n", "a path of one machine"),
        ("data = '../sha" + "red/data'\n", "a path outside the tree"),
        ("pip install --index" + "-url x\n", "the address of a package registry"),
        ("https://files.pythonhos" + "ted.org/x\n", "the address of a package registry"),
        ("<" * 7 + " HEAD\n", "a merge left half done"),
        ("x = 1\n" * 401, "401 lines, limit 400"),
    ],
)
def test_tree(script: object, tmp_path: Path, text: str, expected: str | None) -> None:
    (tmp_path / "file.py").write_text(text, "utf-8")
    found = list(_module(script, "check_tree").findings(tmp_path))
    assert [expected in line for line in found if expected] == ([True] if expected else [])


def test_tree_leaves_out_what_runs_leave_behind(script: object, tmp_path: Path) -> None:
    for folder in (".venv", "var", "__pycache__", "liftwatch.egg-info"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.py").write_text("/ro" + "ot/x", "utf-8")
    assert list(_module(script, "check_tree").findings(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.py", 'Text("停止", "stopped")\n', None),
        ("a.py", 'Text(zh="停止", en="stopped")\n', None),
        ("a.py", 'Text(f"第{n}台", f"lift {n}")\n', None),
        ("a.py", 'Text("stopped", "停止")\n', "Chinese in the English text"),
        ("a.py", 'Text("out of range", "the value is out of range")\n', "no Chinese"),
        ("a.py", 'Text("停止", "")\n', "one language is empty"),
        ("a.toml", '[a]\nzh = "停"\nen = "stop"\n', None),
        ("a.toml", '[[a]]\nzh = "停"\n', "one language is empty"),
        ("a.toml", '[[a]]\nname_zh = "停"\nname_en = "停"\n', "Chinese in the English text"),
        ("zh.po", 'msgid "Stop"\nmsgstr "停"\n', None),
        ("zh.po", 'msgid "Stop"\nmsgstr ""\n', "no Chinese for 'Stop'"),
        ("docs/guide-x.md", "只有中文\n", "both languages"),
    ],
)
def test_texts(script: object, tmp_path: Path, name: str, text: str, expected: str | None) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    module = _module(script, "check_texts")
    # A folder of tests is left out by the check, and this one stands in such a folder's name only.
    found = list(module.findings(tmp_path))
    assert [expected in line for line in found if expected] == ([True] if expected else [])
