"""The commands a newcomer types, and what they say when something is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
COMMANDS = ("install", "run", "demo", "test", "torture", "check", "bench", "lock", "clean")


def _tools(folder: Path, *names: str, **fakes: str) -> dict[str, str]:
    """An environment whose PATH holds only these programs, and shell scripts given as fakes."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    for name, text in fakes.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8")}


def _say(script: str, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("command", COMMANDS)
def test_make_knows_the_command_and_tells_of_it(command: str) -> None:
    assert re.search(rf"^{command}:.*## .*[\u4e00-\u9fff]", MAKEFILE, re.MULTILINE)


def test_ci_runs_check_and_test() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.findall(r"^make (\w+)", text, re.MULTILINE) == ["check", "test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_missing_system_package_is_named_in_one_line_where_we_are_not_root(tmp_path: Path) -> None:
    env = _tools(tmp_path / "bin", uname="echo Linux", id="echo 1000")
    said = _say("system.sh", "no-such-server", env=env)
    assert said.returncode == 1
    assert said.stderr.splitlines() == [
        "缺少 · missing, please run:  sudo apt-get install no-such-server"
    ]


def test_missing_system_package_names_brew_on_a_mac(tmp_path: Path) -> None:
    env = _tools(tmp_path / "bin", uname="echo Darwin", id="echo 501")
    said = _say("system.sh", "no-such-server", env=env)
    assert said.returncode == 1
    assert said.stderr.splitlines() == ["缺少 · missing, please run:  brew install no-such-server"]


def test_no_python_is_said_in_one_line(tmp_path: Path) -> None:
    env = _tools(
        tmp_path / "bin", "bash", "dirname", uname="echo Linux", id="echo 1000", python3="exit 1"
    )
    said = _say("python.sh", env=env)
    assert said.returncode == 1
    assert said.stderr.splitlines() == [
        "缺少 · missing, please run:  sudo apt-get install python3-venv"
    ]


def test_locks_hold_every_dependency_with_hashes_and_no_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-dev.lock": project["dependency-groups"]["dev"],
        "requirements-build.lock": project["build-system"]["requires"],
    }
    for name, dependencies in wanted.items():
        text = (ROOT / name).read_text("utf-8")
        locked = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
        names = {re.split(r"[\[<>=~!; ]", one)[0].lower() for one in dependencies}
        assert names <= locked, f"{name} lacks {names - locked}; make lock"
        assert "://" not in text
        assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\w)", text)[1:])
