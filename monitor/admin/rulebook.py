"""Both sources of a rule in one place: its file is the ground, the desk's changes lie over it.

What the desk changes is kept in the database and never written into the file. Whoever looks can
tell which of both holds: a key is the file's unless it stands in the newest version of the rule.
A change that no longer fits a changed file is left aside, named, and the file holds meanwhile: a
service that does not start would be worse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine

from alerts.chains.ladder import Chains
from alerts.database.access import reading, writing
from alerts.journal.journal import Line, append
from alerts.model import Actor
from alerts.rules import DEFAULT_RULES, Rule, RuleSet, Schema, load_rules, parse_rules
from alerts.rules.load import Overlay, overlaid, tables_of
from config.errors import ConfigError
from config.text import Text
from monitor.admin import edits
from monitor.admin.edits import Edit
from monitor.own import own_or

log = structlog.get_logger()
FIELDS = (
    "name_zh", "name_en", "when", "at_once", "suppressed_by", "hold_s", "seen_s", "clear_s",
    "min_samples", "severity", "severity_with_people", "chain", "chain_with_people", "latched",
    "manual_reset", "bell", "inhibits",
)  # fmt: skip
"""Keys that may be changed at the desk. What a rule is (id, code, group) is the file's."""


class UnknownRule(KeyError):
    """No rule of this id stands in the file."""


@dataclass(frozen=True)
class Read:
    """The file, what lies over it, and what both together say."""

    file: Path
    text: str
    tables: Mapping[str, Mapping[str, Any]]
    ground: RuleSet
    edits: Mapping[str, Edit]
    ruleset: RuleSet
    aside: Mapping[str, Text]
    """By rule: why its change does not hold any more."""

    def rule(self, ident: str) -> Rule:
        """Return a rule as it holds. Raises KeyError."""
        return {rule.id: rule for rule in self.ruleset.rules}[ident]

    def changes(self, ident: str) -> dict[str, Any]:
        """Return the keys of a rule that the desk has set, None for one it left out."""
        edit = self.edits.get(ident)
        return dict(edit.data) if edit is not None and ident not in self.aside else {}

    def table(self, ident: str) -> dict[str, Any]:
        """Return the [[rule]] table as it holds. Raises KeyError."""
        return overlaid(self.tables[ident], self.changes(ident))

    def version(self, ident: str) -> int:
        """Return the number of the version in force; 0 = the file alone, never changed here."""
        return self.edits[ident].version if ident in self.edits else 0


class RuleBook:
    """Reads, checks and changes rules. `take_up` makes a rule set count in the running service."""

    def __init__(
        self,
        engine: Engine,
        site: Path,
        schema: Schema,
        chains: Chains,
        clock: Callable[[], int],
        take_up: Callable[[RuleSet], None] = lambda ruleset: None,
    ) -> None:
        self.engine, self.site, self.schema, self.chains = engine, site, schema, chains
        self.clock, self.take_up = clock, take_up
        self.lock = threading.RLock()
        """Held from reading until what was read is handed over to count: of two who change or
        reload at once the later one then has what the earlier one did."""

    def read(self) -> Read:
        """Return all of it. Raises ConfigError where the file itself is wrong."""
        file = own_or(self.site, "rules.toml", DEFAULT_RULES)
        ground = load_rules(file, self.schema)
        text = file.read_text("utf-8")
        tables = {str(one["id"]): one for one in tables_of(text, file)["rule"]}
        with reading(self.engine) as conn:
            found = edits.newest(conn)
        wanted = {rule: edit.data for rule, edit in found.items() if edit.data}
        aside = {
            rule: Text("规则文件里已没有这条规则", "the rule file has no such rule any more")
            for rule in wanted
            if rule not in tables
        }
        wanted = {rule: data for rule, data in wanted.items() if rule not in aside}
        ruleset, unfit = self._together(text, file, wanted)
        return Read(file, text, tables, ground, found, ruleset, aside | unfit)

    def _together(self, text: str, file: Path, wanted: Overlay) -> tuple[RuleSet, dict[str, Text]]:
        try:
            return self._parsed(text, file, wanted), {}
        except ConfigError:  # one of them at least: find out which
            good: dict[str, Mapping[str, Any]] = {}
            unfit: dict[str, Text] = {}
            for rule, data in wanted.items():
                try:
                    self._parsed(text, file, {**good, rule: data})
                    good[rule] = data
                except ConfigError as error:
                    unfit[rule] = error.way_out
                    log.error("rule.change_set_aside", rule=rule, reason=str(error))
            return self._parsed(text, file, good), unfit

    def _parsed(self, text: str, file: Path, overlay: Overlay) -> RuleSet:
        ruleset = parse_rules(text, self.schema, file, overlay)
        self.chains.check(ruleset.meta.values(), file)
        return ruleset

    def check(self, ident: str, changes: Mapping[str, Any], read: Read | None = None) -> RuleSet:
        """Return all rules as they would be. Raises ConfigError naming key, value and way out, by
        the checks a file goes through; UnknownRule. `read`: what was just read, if it was."""
        read = read or self.read()
        if ident not in read.tables:
            raise UnknownRule(ident)
        for key in changes:
            if key not in FIELDS:
                way_out = Text(f"可改：{'、'.join(FIELDS)}", f"may be changed: {', '.join(FIELDS)}")
                raise ConfigError("desk", key, changes[key], way_out)
        others = {
            rule: edit.data
            for rule, edit in read.edits.items()
            if rule in read.tables and rule not in read.aside
        }
        return self._parsed(read.text, read.file, {**others, ident: dict(changes)})

    def save(
        self,
        ident: str,
        changes: Mapping[str, Any],
        version: int,
        actor: Actor,
        comment: str = "",
        trial: Mapping[str, Any] | None = None,
        what: str = "changed",
    ) -> int:
        """Write a new version and have it count; return its number.

        changes: all that is to differ from the file. version: the one it was made from; where
        another was saved meanwhile that is refused (ConfigError), as are wrong values. Raises
        UnknownRule too.
        """
        with self.lock:
            return self._save(ident, changes, version, actor, comment, trial, what)

    def _save(
        self,
        ident: str,
        changes: Mapping[str, Any],
        version: int,
        actor: Actor,
        comment: str,
        trial: Mapping[str, Any] | None,
        what: str,
    ) -> int:
        read = self.read()
        ruleset = self.check(ident, changes, read)
        before, now_ms = read.changes(ident), self.clock()
        with writing(self.engine) as conn:
            stored = edits.versions(conn, ident)
            last = stored[0].version if stored else 0
            if last != version:
                way_out = Text(
                    f"其间已存第 {last} 版：请重新打开此规则",
                    f"version {last} was saved meanwhile: open the rule again",
                )
                raise ConfigError("desk", "version", version, way_out)
            edits.write(conn, ident, last + 1, changes, actor, now_ms, comment, trial)
            data = {
                "what": what,
                "rule": ident,
                "version": last + 1,
                "changes": _difference(read.tables[ident], before, changes),
                "comment": comment,
            }
            append(conn, now_ms, [Line(None, "rule_edited", actor, data)])
        self.take_up(ruleset)
        return last + 1

    def restore(self, ident: str, to: int, version: int, actor: Actor) -> int:
        """Make an earlier version the newest again; 0 = as the file says. Raises as `save`."""
        data: Mapping[str, Any] = {}
        if to:
            known = {one.version: one for one in self.versions(ident)}
            if to not in known:
                way_out = Text("没有这个版本", f"there are versions 0..{max(known, default=0)}")
                raise ConfigError("desk", "to", to, way_out)
            data = known[to].data
        what = "restored" if to else "back_to_file"
        comment = f"← v{to}" if to else "← rules.toml"
        return self.save(ident, data, version, actor, comment, what=what)

    def versions(self, ident: str) -> list[Edit]:
        """Return the versions of a rule, the newest first."""
        with reading(self.engine) as conn:
            return edits.versions(conn, ident)


def _difference(
    table: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Return key → {before, after} of what changes, for the journal."""
    old, new = overlaid(table, before), overlaid(table, after)
    return {
        key: {"before": old.get(key), "after": new.get(key)}
        for key in FIELDS
        if old.get(key) != new.get(key)
    }
