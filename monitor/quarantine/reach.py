"""How a command reaches the quarantine: the running service by HTTP, else the files themselves.

DuckDB lets nobody else read while the service writes. So a look asks the service, with a token
made from the site's secret; where no service runs, the file is opened for reading.
"""

from __future__ import annotations

import base64
import getpass
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb

from config.errors import ConfigError
from config.settings import Settings
from config.text import Text
from devices.batch import RejectedMessage
from devices.codecs import Limits, Setup, build_routes, decode
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.quarantine.choice import Choice
from monitor.quarantine.runs import as_json
from monitor.quarantine.view import look
from monitor.secret import load_secret
from monitor.store import quarantine
from monitor.web import local

TIMEOUT_S = 30


def person() -> str:
    """Return who is at this machine, as the journal is told."""
    try:
        return f"{getpass.getuser()} (liftwatch quarantine)"[:64]
    except (OSError, KeyError):
        return "liftwatch quarantine"


class Files:
    """The history file, read only."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for reading. Raises duckdb.Error where the service has the file."""
        return duckdb.connect(str(self._file), read_only=True)


class Reach:
    """Reading for commands; both ways give the same."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError where there is neither a service nor a history."""
        self._settings = settings
        self._files = Files(settings.data_dir / "history" / "history.duckdb")
        try:
            self._files.reader().close()
            self.running = False
        except duckdb.Error as error:
            self.running = True
            self._ask("quarantine/reasons", {}, error)

    def reasons(self, choice: Choice) -> list[dict[str, Any]]:
        """Return the groups."""
        if self.running:
            found: list[dict[str, Any]] = self._ask("quarantine/reasons", _query(choice))["reasons"]
            return [one for one in found if choice.reason in (None, one["reason"])]
        return [
            {name: getattr(one, name) for name in quarantine.Group.__slots__}
            for one in quarantine.groups(self._files, choice)
        ]

    def newest(self, choice: Choice, limit: int) -> list[dict[str, Any]]:
        """Return the newest messages without their bytes, refusals joined."""
        if not self.running:
            return [look(one) for one in quarantine.recent(self._files, limit, choice=choice)]
        rows = self._ask("quarantine", _query(choice) | {"limit": limit})["refused"]
        found: dict[int, dict[str, Any]] = {}
        for row in rows:
            one = found.setdefault(row["id"], {**row, "refusals": []})
            one["refusals"].append(row)
        return list(found.values())

    def one(self, number: int) -> tuple[dict[str, Any], bytes]:
        """Return a message, with what would be taken today, and its bytes. Raises ConfigError."""
        if self.running:
            told = self._ask(f"quarantine/{number}", {})
            return told, base64.b64decode(told["payload"])
        kept = quarantine.one(self._files, number)
        if kept is None:
            raise _nothing(number)
        return look(kept) | {"today": self._today(kept)}, kept.payload

    def _today(self, kept: quarantine.Kept) -> dict[str, Any]:
        site, ingest = self._settings.site.folder, self._settings.ingest
        registry, vocab, limits = load_registry(site), load_vocabulary(), Limits.of(ingest)
        routes = build_routes(Setup(registry, vocab, site, ingest))
        try:
            found = decode(kept.topic, kept.payload, kept.at_ms, registry, vocab, limits, routes)
        except RejectedMessage as rejected:
            left = as_json(kept.seq, rejected.refusals)
            return {"samples": 0, "messages": 0, "bursts": 0, "refusals": left}
        batch = found.batch
        return {
            "samples": len(batch),
            "messages": len(batch.messages),
            "bursts": len(batch.waveforms),
            "refusals": as_json(kept.seq, found.refusals),
        }

    def _ask(
        self, path: str, query: dict[str, Any], opened: duckdb.Error | None = None
    ) -> dict[str, Any]:
        web = self._settings.web
        host = "127.0.0.1" if web.host in ("0.0.0.0", "::") else web.host  # noqa: S104
        url = f"http://{host}:{web.port}/api/v1/{path}"
        token = local.make(load_secret(self._settings.data_dir), person(), time.time())
        request = urllib.request.Request(  # noqa: S310 - our own service
            f"{url}?{urlencode(query)}" if query else url,
            headers={"Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise _nothing(path.rpartition("/")[2]) from None
            raise self._unreachable(url, str(error)) from None
        except OSError as error:
            raise self._unreachable(url, str(opened or error)) from None

    def _unreachable(self, url: str, reason: str) -> ConfigError:
        way_out = Text(
            f"历史库无法读取，{url} 也没有应答：请核对 --config",
            f"the history cannot be read and {url} does not answer: check --config",
        )
        return ConfigError("settings", "data_dir", reason, way_out)


def _nothing(number: object) -> ConfigError:
    way_out = Text("隔离区没有这个编号", "the quarantine has no such number")
    return ConfigError("command line", "ID", str(number), way_out)


def _query(choice: Choice) -> dict[str, Any]:
    told = {"reason": choice.reason, "gateway": choice.gateway, "since_ms": choice.since_ms}
    return {name: value for name, value in told.items() if value is not None} | {
        "state": choice.state or "all"
    }
