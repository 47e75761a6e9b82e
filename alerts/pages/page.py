"""What a page says: where, what, how many people, since when, by when, why, and one link.

The page is written when its step fires, in both languages; channels only carry it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from alerts.chains.ladder import ChainStep
from alerts.directory.units import Contact
from alerts.drills.marks import NOT_REAL
from alerts.lifecycle.moves import clock_text
from alerts.model import SEVERITIES, Evidence
from alerts.pages.links import Links
from config.text import Text
from devices.registry import place_and_name
from devices.vocabulary import Channel, Kind, Vocabulary

VERSION = 1
LISTED, SPELT = 100, 12  # members of a summary that its JSON lists, and that its text spells out
Words = Callable[[Evidence], Text]

SEVERITY_TEXT: Mapping[str, Text] = {
    "critical": Text("紧急", "CRITICAL"),
    "major": Text("重要", "MAJOR"),
    "minor": Text("一般", "MINOR"),
    "info": Text("提示", "INFO"),
}


@dataclass(frozen=True)
class Pages:
    """Writes pages. `words` tells one value of the evidence; `tz` is the site's zone."""

    links: Links
    words: Words
    tz: tzinfo

    def build(
        self,
        alert: Mapping[str, Any],
        evidence: tuple[Evidence, ...],
        step: ChainStep,
        contact: Contact,
        deadline: tuple[int, Text] | None,
        now_ms: int,
    ) -> dict[str, Any]:
        """Return the page as JSON.

        Keys: v, alert, step, step_text, severity, exercise, rule, code, incident, title, text,
        where, what, people, with_people, since_ms, raised_ms, sent_ms, deadline_ms,
        deadline_text, evidence, link, to. Every text is {"zh", "en"}; times are epoch ms.
        """
        link = self.links.url(alert["id"], contact.id, now_ms)
        facts = [(e, self.words(e)) for e in evidence]
        what = Text(alert["rule_zh"], alert["rule_en"])
        return {
            "v": VERSION,
            "alert": alert["id"],
            "incident": alert["incident"],
            "step": step.id,
            "step_text": step.text.as_json(),
            "severity": alert["severity"],
            "exercise": bool(alert["exercise"]),
            "rule": alert["rule"],
            "code": alert["code"],
            "title": self._title(alert, what).as_json(),
            "text": self._text(alert, what, facts, step, deadline, link).as_json(),
            "where": {
                name: alert[name]
                for name in ("subject_kind", "subject", "name", "place", "rescue_code")
            },
            "what": what.as_json(),
            "people": alert["people"],
            "with_people": alert["with_people"],
            "since_ms": alert["since_ms"],
            "raised_ms": alert["raised_ms"],
            "sent_ms": now_ms,
            "deadline_ms": deadline[0] if deadline else None,
            "deadline_text": deadline[1].as_json() if deadline else None,
            "evidence": [e.as_json() | {"text": words.as_json()} for e, words in facts],
            "link": link,
            "to": {"contact": contact.id, "name": contact.name, "unit": contact.unit},
        }

    def summary(
        self, members: Sequence[Mapping[str, Any]], to: Mapping[str, Any], now_ms: int
    ) -> dict[str, Any]:
        """Return one page about many alerts, gravest first, in the form of `build`.

        `members`: id, subject, rule_zh, rule_en, place, name, since_ms, incident, severity_rank of
        each; `to`: contact and unit. Further keys: summary (how many), members (at most 100).
        """
        first, count = members[0], len({one["id"] for one in members})
        severity = SEVERITIES[first["severity_rank"]]
        level, what = SEVERITY_TEXT[severity], _kinds(members)
        listed = [self._member(one, to["contact"], now_ms) for one in members[:LISTED]]
        more = count - len(listed)
        zh = [f"{one['title']['zh']} {one['link']}" for one in listed[:SPELT]]
        en = [f"{one['title']['en']} {one['link']}" for one in listed[:SPELT]]
        if count > SPELT:
            zh.append(f"另有 {count - SPELT} 条，请登录警情列表查看。")
            en.append(f"And {count - SPELT} more: see the alert list.")
        return {
            "v": VERSION,
            "alert": first["id"],
            "incident": first["incident"],
            "step": "summary",
            "step_text": Text("多条警情汇总", "many alerts in one page").as_json(),
            "severity": severity,
            "exercise": False,  # an exercise is never summed up
            "rule": first.get("rule"),
            "code": None,
            "title": Text(
                f"【{level.zh}·汇总】{count} 条警情：{what.zh}",
                f"[{level.en}, summary] {count} alerts: {what.en}",
            ).as_json(),
            "text": Text("\n".join(zh), "\n".join(en)).as_json(),
            "where": None,
            "what": what.as_json(),
            "people": None,
            "with_people": False,
            "since_ms": min(one["since_ms"] for one in members),
            "raised_ms": None,
            "sent_ms": now_ms,
            "deadline_ms": None,
            "deadline_text": None,
            "evidence": [],
            "link": listed[0]["link"],
            "to": {"contact": to["contact"], "unit": to["unit"]},
            "summary": count,
            "members": listed,
            "members_left_off": max(0, more),
        }

    def _member(self, one: Mapping[str, Any], contact: str, now_ms: int) -> dict[str, Any]:
        where = place_and_name(one["place"], one["name"])
        since = self._moment(one["since_ms"])
        title = Text(
            f"{where}：{one['rule_zh']}（始于 {since}）",
            f"{where}: {one['rule_en']} (since {since})",
        )
        link = self.links.url(one["id"], contact, now_ms)
        return {"alert": one["id"], "title": title.as_json(), "link": link}

    def _title(self, alert: Mapping[str, Any], what: Text) -> Text:
        level = SEVERITY_TEXT[alert["severity"]]
        where = place_and_name(alert["place"], alert["name"])
        # An exercise begins with its own mark, which stands in the rule's text.
        zh, en = f"{what.zh} · {where}", f"{what.en} · {where}"
        if not alert["exercise"]:
            zh, en = f"【{level.zh}】{zh}", f"[{level.en}] {en}"
        return Text(zh.rstrip(), en.rstrip())

    def _text(
        self,
        alert: Mapping[str, Any],
        what: Text,
        facts: list[tuple[Evidence, Text]],
        step: ChainStep,
        deadline: tuple[int, Text] | None,
        link: str,
    ) -> Text:
        code = alert["rescue_code"] or alert["subject"]
        since, people = self._moment(alert["since_ms"]), people_text(alert)
        where = place_and_name(alert["place"], alert["name"])
        zh = [
            f"地点：{where}（识别码 {code}）",
            f"情况：{what.zh}",
            f"人员：{people.zh}",
            f"始于：{since}",
        ]
        en = [
            f"Where: {where} (code {code})",
            f"What: {what.en}",
            f"People: {people.en}",
            f"Since: {since}",
        ]
        if facts:
            zh.append("依据：" + "；".join(words.zh for _, words in facts))
            en.append("Evidence: " + "; ".join(words.en for _, words in facts))
        if deadline:
            at = clock_text(deadline[0], self.tz)
            zh.append(f"时限：{at} {deadline[1].zh}")
            en.append(f"Due: {at} {deadline[1].en}")
        if alert["exercise"]:
            zh.insert(0, NOT_REAL.zh)
            en.insert(0, NOT_REAL.en)
        zh += [f"通知原因：{step.text.zh}", f"接单：{link}"]
        en += [f"Why you: {step.text.en}", f"Accept: {link}"]
        return Text("\n".join(zh), "\n".join(en))

    def _moment(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, self.tz).isoformat(" ", "seconds")[:19]


def _kinds(members: Sequence[Mapping[str, Any]]) -> Text:
    """The rules of a summary, the most frequent first, at most three of them."""
    counted = Counter((one["rule_zh"], one["rule_en"]) for one in members).most_common()
    zh = "、".join(f"{names[0]} ×{n}" for names, n in counted[:3])
    en = ", ".join(f"{names[1]} ×{n}" for names, n in counted[:3])
    return Text(f"{zh} 等", f"{en}, …") if len(counted) > 3 else Text(zh, en)


def people_text(alert: Mapping[str, Any]) -> Text:
    """Say how many people; "unknown" is said as such, never as nobody."""
    if alert["people"]:
        count = alert["people"]
        return Text(f"{count} 人", f"{count}")
    if alert["with_people"]:
        return Text("轿内有人，人数不明", "somebody is in the car, number unknown")
    return Text("未见有人", "none seen")


def vocabulary_words(
    vocabulary: Vocabulary, derived: Mapping[str, tuple[Text, Kind, str]] | None = None
) -> Words:
    """Return how to say a value: channels from the vocabulary, others as (text, kind, unit)."""
    more = derived or {}

    def words(evidence: Evidence) -> Text:
        name, value = evidence.name, evidence.value
        channel = vocabulary.by_name.get(name)
        if channel is not None:
            said = _said(channel, value)
            return Text(f"{channel.text.zh} {said.zh}", f"{channel.text.en}: {said.en}")
        text, kind, unit = more.get(name, (Text(name, name), Kind.FLOAT, ""))
        said = _truth(value) if kind is Kind.BOOL and value is not None else _number(value, unit)
        return Text(f"{text.zh} {said.zh}", f"{text.en}: {said.en}")

    return words


def _said(channel: Channel, value: float | None) -> Text:
    if value is None:
        return _number(None, "")
    if channel.kind is Kind.BOOL:
        return _truth(value)
    if channel.kind is Kind.ENUM and int(value) in channel.values:
        return channel.values[int(value)].text
    return _number(value, channel.unit)


def _truth(value: float) -> Text:
    return Text("是", "yes") if value else Text("否", "no")


def _number(value: float | None, unit: str) -> Text:
    if value is None:
        return Text("无数据", "no data")
    if unit == "persons":  # the name says what is counted
        return Text(f"{value:.4g} 人", f"{value:.4g}")
    told = f"{value:.4g} {unit}".rstrip()
    return Text(told, told)


def plain_words(evidence: Evidence) -> Text:
    """Say a value by its bare name, where no vocabulary is at hand."""
    number = _number(evidence.value, "")
    return replace(number, zh=f"{evidence.name} {number.zh}", en=f"{evidence.name}: {number.en}")
