"""docs/api.md says what is true: its code is run as a reader would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import journal
from alerts.model import Actor, Role
from alerts.notify import queue, webhook
from alerts.notify.signing import SIGNATURE_V2, TIMESTAMP, signed_headers
from monitor.web import problems, throttle, tokens
from monitor.web.feed import MOST_READERS
from tests.monitor.web.house import PASSWORD, House, Running

DOC = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
BLOCK = re.compile(r"<!-- run(?:: (\w+))? -->\n```(\w+)\n(.*?)```", re.S)
ADMIN = Actor("admin", Role.ADMIN)


def blocks(name: str, language: str) -> list[str]:
    return [code for what, lang, code in BLOCK.findall(DOC) if (what, lang) == (name, language)]


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "no_proxy": "127.0.0.1"} | more


def test_the_shell_examples_from_first_to_last(running: Running, house: House) -> None:
    made = [house.raise_alert(i) for i in range(5)]
    script = "set -euo pipefail\n" + "\necho\n".join(blocks("", "sh"))
    done = subprocess.run(
        ["bash", "-c", script], check=False, capture_output=True, text=True, timeout=60,
        env=environment(LIFTWATCH=running.url, PASSWORD=PASSWORD),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert '"name":"five minutes"' in done.stdout, "the token says what it is"
    assert '"rescue_state":"accepted"' in done.stdout
    assert [int(word) for word in done.stderr.split()] == made[::-1], "page after page"
    lines = done.stdout.split()
    assert "304" in lines and "412" in lines
    shown = re.search(r"```json\n(.*?)```", DOC, re.S)
    assert shown
    printed, real = json.loads(shown[1]), json.loads(done.stdout.splitlines()[-1])
    assert printed | {"text": 0} == real | {"text": 0}


def test_the_feeds_reader_goes_on_where_it_was(running: Running, house: House) -> None:
    first = house.raise_alert(0)
    (code,) = blocks("feed", "python")
    _, token = tokens.make(
        house.engine, "operator", "reader", [], 1, ADMIN, house.now_ms(), longest=365
    )  # fmt: skip
    reader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(LIFTWATCH=running.url, TOKEN=token, LAST="0"),
    )  # fmt: skip
    try:
        assert reader.stdout and reader.stderr
        seen: list[list[str]] = []
        while not seen or seen[-1][2] != str(first):
            seen.append(reader.stdout.readline().split())
        second = house.raise_alert(1)
        while seen[-1][2] != str(second):
            seen.append(reader.stdout.readline().split())
        numbers = [int(line[0]) for line in seen]
        with reading(house.engine) as conn:  # all but the administrators' (the token was made)
            lines = select(journal.c.id).where(journal.c.kind != "token").order_by(journal.c.id)
            written = list(conn.execute(lines).scalars())
        assert numbers == written[: len(numbers)], "nothing lost, nothing twice"
        assert len(numbers) > 5
    finally:
        reader.kill()
        reader.communicate()


@pytest.mark.parametrize("language", ["python", "sh"])
def test_the_signature_is_checked_as_told(language: str) -> None:
    (code,) = blocks("check", language)
    program = [sys.executable, "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
    body = '{"key":"k","page":{"title":{"zh":"困人"}}}'.encode()
    now_ms = round(time.time() * 1000)

    def verdict(sent: bytes = body, secret: str = "s3cret", at_ms: int = now_ms) -> int:
        headers = signed_headers("s3cret", body, at_ms)
        more = environment(
            SECRET=secret, TIMESTAMP=headers[TIMESTAMP], SIGNATURE=headers[SIGNATURE_V2]
        )
        done = subprocess.run([*program, code], check=False, input=sent, env=more, timeout=20)
        return done.returncode

    assert verdict() == 0
    assert verdict(sent=body + b" ") == 1
    assert verdict(secret="another") == 1
    assert verdict(at_ms=now_ms - 400_000) == 1
    assert verdict(at_ms=now_ms + 400_000) == 1


def test_the_figures_are_those_of_the_code() -> None:
    policy = queue.RetryPolicy()
    assert (
        f"{policy.first_s:g} s doubling up to {policy.cap_s:g} s, {policy.attempts} in all" in DOC
    )
    told = [f"{status}" for status in sorted(webhook.FINAL - {422})]
    assert f"{', '.join(told)} and 422 mean never" in DOC
    limits = throttle.LIMITS
    told_limits = f"{limits['pair']} by name and address, {limits['address']} by address"
    assert f"{told_limits}, {limits['name']} by name" in DOC
    assert problems.MOST_BYTES == 4 * 2**20 and "4 MiB" in DOC
    assert f"{MOST_READERS} connections at most" in DOC
    assert f"{tokens.MOST} living ones" in DOC
