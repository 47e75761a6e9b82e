"""Every name a rule may use: channels, columns of the registry, derived columns, codes."""

from __future__ import annotations

from collections.abc import Mapping

from devices.vocabulary import Kind, Vocabulary
from monitor.detector import belief, derived, link, silence, suite, waveform
from monitor.detector.columns import Compute, DerivedColumn, count, number, truth

DERIVED: Mapping[str, DerivedColumn] = {
    **derived.COLUMNS,
    **belief.COLUMNS,
    **{name: column for part in suite.ALL for name, column in part.COLUMNS.items()},
    **{
        name: DerivedColumn(
            Kind.FLOAT if unit else Kind.BOOL, unit, text, compute=waveform.reader(name)
        )
        for name, (text, unit) in waveform.TEXTS.items()
    },
    **silence.COLUMNS,
    **link.COLUMNS,
}
COMPUTE: Mapping[str, Compute] = {
    name: column.compute for name, column in DERIVED.items() if column.compute is not None
}

REGISTRY: Mapping[str, DerivedColumn] = {
    "rated_speed": number("额定速度", "rated speed", "m/s", None),
    "rated_load_kg": number("额定载重", "rated load", "kg", None),
    "floor_lo": number("最低楼层", "lowest floor", "floor", None),
    "floor_hi": number("最高楼层", "highest floor", "floor", None),
    "period_s": number("上报周期", "reporting period", "s", None),
    "gateway_row": count("网关序号", "gateway number", None),
    "inspection_due_day": number("下次检验日", "day the inspection is due", "d", None),
    "last_visit_day": number("上次维保日", "day of the last visit", "d", None),
    "planned_visit_day": number("计划维保日", "day of the planned visit", "d", None),
    "voice_link": truth("上报对讲测试", "reports voice tests", None),
    "peer_row": count("同类电梯组序号", "number of its group of like lifts", None),
}


def rule_schema(vocab: Vocabulary) -> dict[str, DerivedColumn]:
    """Return every usable name with its type: for `alerts.rules.load_rules`."""
    schema = {
        channel.name: DerivedColumn(
            channel.kind, channel.unit, channel.text, (channel.name,), values=channel.values
        )
        for channel in vocab.channels
    }
    schema |= REGISTRY
    schema |= DERIVED
    for code, message in vocab.messages.items():
        for form in ("code", "once"):
            schema[f"{form}({code})"] = DerivedColumn(Kind.BOOL, "", message.text)
    return schema
