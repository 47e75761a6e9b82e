"""Critical alerts as documents of the Common Alerting Protocol, CAP 1.2 (OASIS, July 2010).

Every line of an alert's journal that changes what others must know is one document that never
changes again: the raise is an Alert, what follows are Updates that refer to all before, the close
is a Cancel. So nothing has to be kept beside the journal, and who was away misses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET

from pydantic import Field, ValidationError

from alerts.directory.subjects import Subject
from alerts.notify.template import clean_xml
from alerts.pages.page import people_text
from config.section import Section
from config.settings import refused
from config.text import Text
from config.toml_file import read_toml
from devices.registry import place_and_name

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
DEFAULT_CAP = Path(__file__).parents[2] / "config" / "defaults" / "cap.toml"
NEWS: Mapping[str, Text] = {
    "raised": Text("警情发生", "raised"),
    "again": Text("再次发生", "reported again"),
    "upgraded": Text("轿内有人", "people in the car"),
    "accepted": Text("已接单", "accepted"),
    "departed": Text("救援人员已出发", "rescuers on the way"),
    "arrived": Text("救援人员已到场", "rescuers on site"),
    "freed": Text("乘客已解困", "passengers freed"),
    "accident": Text("达到事故等级", "accident class"),
    "closed": Text("警情结束", "closed"),
}


class Saying(Section):
    """How one situation is told; the words are the standard's."""

    category: Literal[
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport",
        "Infra", "CBRNE", "Other",
    ]  # fmt: skip
    response: Literal[
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear",
        "None",
    ]  # fmt: skip
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
    severity: Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
    instruction_zh: str
    instruction_en: str


class CapWords(Section):
    """What cap.toml says."""

    radius_km: float = Field(0.05, ge=0, le=100)
    expires_h: float = Field(24, ge=1, le=720)
    restriction: str
    people: Saying
    empty: Saying
    freed: Saying
    over: Saying


def load_cap(file: Path = DEFAULT_CAP) -> CapWords:
    """Read cap.toml. Raises ConfigError with file, key, value and what would be right."""
    try:
        return CapWords(**read_toml(file))
    except ValidationError as error:
        raise refused(file, error) from None


@dataclass(frozen=True, slots=True)
class Document:
    """One document of an alert: the journal line it tells of, and those before it."""

    alert_id: int
    line_id: int
    kind: str
    at_ms: int
    with_people: bool  # as it was known then
    people: int | None
    freed: bool
    before: tuple[tuple[str, int], ...]  # (identifier, sent) of the earlier ones

    @property
    def identifier(self) -> str:
        """Unique for the sender, and the same whenever it is made."""
        return identifier(self.alert_id, self.line_id)

    @property
    def msg_type(self) -> str:
        """Alert, Update or Cancel."""
        if self.kind == "closed":
            return "Cancel"
        return "Update" if self.before else "Alert"


def identifier(alert_id: int, line_id: int) -> str:
    """Return `lw-{alert}-{line}`."""
    return f"lw-{alert_id}-{line_id}"


def documents(alert_id: int, timeline: Sequence[Mapping[str, Any]]) -> list[Document]:
    """Return the documents of an alert, oldest first, from its journal.

    They begin when it was critical: one that became so later has its raise told then.
    """
    found: list[Document] = []
    before: tuple[tuple[str, int], ...] = ()
    severity, with_people, people, freed = "", False, None, False
    for line in timeline:
        kind, data = line["kind"], line["data"]
        severity = data.get("severity", severity)
        if kind == "raised":
            with_people, people = bool(data.get("with_people")), data.get("people")
        elif kind == "upgraded":
            with_people, people = True, data.get("people")
        freed = freed or kind == "freed"
        if kind not in NEWS or severity != "critical":
            continue
        one = Document(
            alert_id, line["id"], kind, line["at_ms"], with_people, people, freed, before
        )
        found.append(one)
        before = (*before, (one.identifier, one.at_ms))
    return found


@dataclass(frozen=True)
class CapFeed:
    """Writes documents. `sender` names this house to readers; `site` and `web` are its name and
    address; `tz` its zone."""

    words: CapWords
    sender: str
    site: Text
    web: str
    tz: tzinfo

    def xml(self, one: Document, alert: Mapping[str, Any], subject: Subject) -> bytes:
        """Return a document as XML. `alert` is its JSON, with `done` and `timeline`."""
        root = ET.Element("alert", xmlns=NAMESPACE)
        _put(root, "identifier", one.identifier)
        _put(root, "sender", self.sender)
        _put(root, "sent", self.moment(one.at_ms))
        _put(root, "status", "Exercise" if alert.get("exercise") else "Actual")
        _put(root, "msgType", one.msg_type)
        _put(root, "scope", "Restricted")
        _put(root, "restriction", self.words.restriction)
        _put(root, "note", NEWS[one.kind].both())
        if one.before:
            references = (f"{self.sender},{name},{self.moment(at)}" for name, at in one.before)
            _put(root, "references", " ".join(references))
        _put(root, "incidents", _one_word(alert["incident"]))
        for lang, side in (("zh-CN", "zh"), ("en", "en")):
            self._info(ET.SubElement(root, "info"), one, alert, subject, lang, side)
        return _written(root)

    def _info(
        self,
        info: ET.Element,
        one: Document,
        alert: Mapping[str, Any],
        subject: Subject,
        lang: str,
        side: str,
    ) -> None:
        saying, what = self._saying(one), alert["rule_text"][side]
        where = place_and_name(alert["place"], alert["name"])
        news, people = NEWS[one.kind].of(side), _people(one).of(side)
        _put(info, "language", lang)
        _put(info, "category", saying.category)
        _put(info, "event", what)
        _put(info, "responseType", saying.response)
        _put(info, "urgency", saying.urgency)
        _put(info, "severity", saying.severity)
        _put(info, "certainty", saying.certainty)
        _pair(info, "eventCode", "liftwatch:rule", alert["rule"])
        if alert["code"] is not None:
            _pair(info, "eventCode", "liftwatch:code", str(alert["code"]))
        _put(info, "effective", self.moment(one.at_ms))
        _put(info, "onset", self.moment(alert["since_ms"]))
        _put(info, "expires", self.moment(one.at_ms + round(self.words.expires_h * 3_600_000)))
        _put(info, "senderName", self.site.of(side))
        _put(info, "headline", f"{what} · {where} · {news}"[:160])
        described = Text(f"地点：{where}。人员：{people}。", f"Where: {where}. People: {people}.")
        _put(info, "description", described.of(side))
        said = Text(saying.instruction_zh, saying.instruction_en)
        _put(info, "instruction", said.of(side))
        _put(info, "web", f"{self.web}/alerts/{alert['id']}")
        _pair(info, "parameter", "liftwatch:people", str(one.people or 0))
        _pair(info, "parameter", "liftwatch:news", one.kind)
        area = ET.SubElement(info, "area")
        _put(area, "areaDesc", where)
        if subject.lat or subject.lon:
            _put(area, "circle", f"{subject.lat:.6f},{subject.lon:.6f} {self.words.radius_km:g}")
        _pair(area, "geocode", f"liftwatch:{alert['subject_kind']}", alert["subject"])

    def _saying(self, one: Document) -> Saying:
        """By what was so when the line was written, so that a document never changes."""
        if one.kind == "closed":
            return self.words.over
        if one.freed:
            return self.words.freed
        return self.words.people if one.with_people else self.words.empty

    def atom(self, newest: Sequence[tuple[Document, Mapping[str, Any]]], base: str) -> bytes:
        """Return the index: the newest document of each alert, the newest first. `base` is the
        address under which the documents are."""
        root = ET.Element("feed", xmlns="http://www.w3.org/2005/Atom")
        _put(root, "id", f"{base}/index.atom")
        _put(root, "title", Text("电梯紧急警情", "critical lift alerts").both())
        latest = max((one.at_ms for one, _ in newest), default=0)
        _put(root, "updated", self.moment(latest))
        author = ET.SubElement(root, "author")
        _put(author, "name", self.site.both())
        ET.SubElement(root, "link", rel="self", href=f"{base}/index.atom")
        for one, alert in newest:
            entry, href = ET.SubElement(root, "entry"), f"{base}/{one.identifier}.xml"
            _put(entry, "id", href)
            told = Text(alert["rule_text"]["zh"], alert["rule_text"]["en"]).both()
            _put(entry, "title", f"{one.msg_type} · {told} · {alert['place']} {alert['name']}")
            _put(entry, "updated", self.moment(one.at_ms))
            ET.SubElement(entry, "link", type="application/cap+xml", href=href)
            _put(entry, "summary", NEWS[one.kind].both())
        return _written(root)

    def moment(self, at_ms: int) -> str:
        """Return a time as the standard wants it: whole seconds, and a zone that is never Z."""
        return datetime.fromtimestamp(at_ms // 1000, self.tz).isoformat(timespec="seconds")


def _people(one: Document) -> Text:
    return people_text({"people": one.people, "with_people": one.with_people})


def _put(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = clean_xml(text)


def _pair(parent: ET.Element, name: str, value_name: str, value: str) -> None:
    pair = ET.SubElement(parent, name)
    _put(pair, "valueName", value_name)
    _put(pair, "value", value)


def _one_word(text: str) -> str:
    """Incidents are a list parted by blanks; one with blanks stands in quotes."""
    return f'"{text}"' if any(sign.isspace() for sign in text) else text


def _written(root: ET.Element) -> bytes:
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
