"""Refusals: one place that knows every reason and its way out, in Chinese and in English."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from config.text import Text
from devices.batch import Refusal, RejectedMessage

SHOWN = 80  # characters of a sender's value that an answer repeats

REASONS: Mapping[str, Text] = {
    "not_json": Text(
        "发送一个 UTF-8 编码的 JSON 对象（无 BOM、无注释、无多余逗号）",
        "send one JSON object in UTF-8 (no byte order mark, no comments, no trailing commas)",
    ),
    "wrong_version": Text(
        '本主题只接受协议版本 1：发送 "v": 1', 'this topic speaks version 1: send "v": 1'
    ),
    "missing_field": Text("补上该字段", "add this field"),
    "wrong_type": Text(
        "按 docs/wire.md 的类型发送：数字不加引号，注册代码加引号，整数通道不带小数；"
        "映射文件中数值带引号时写 quoted = true",
        "send the type docs/wire.md gives: numbers without quotes, registration codes in quotes, "
        "whole numbers where the channel counts; in a mapping file quoted = true takes numbers in "
        "quotes",
    ),
    "not_finite": Text(
        "没有测到的值请省略或发送 null，不要发送 NaN 或 Infinity",
        "leave out what was not measured, or send null; never NaN or Infinity",
    ),
    "out_of_range": Text(
        "检查传感器的单位与标定；无效读数请省略",
        "check unit and calibration of the sensor; leave an invalid reading out",
    ),
    "unknown_lift": Text(
        "在站点文件 lifts.csv 中登记该 20 位注册代码，或更正代码",
        "enter this 20-digit registration code in the site's lifts.csv, or correct it",
    ),
    "unknown_channel": Text(
        "使用 docs/wire.md 通道表中的名称", "use a name of the channel table in docs/wire.md"
    ),
    "unknown_code": Text(
        "使用 docs/wire.md 代码表中的代码；其他平台的代码须在码表中（docs/codes.md），"
        "或写入映射文件的 ignore",
        "use a code of the table in docs/wire.md; another platform's codes must stand in its code "
        "map (docs/codes.md), or in `ignore` of the mapping file",
    ),
    "clock_ahead": Text(
        "用 NTP 校准网关时钟后重发；时间戳为 UTC 毫秒",
        "set the gateway's clock by NTP, then send again; time is UTC in milliseconds",
    ),
    "too_old": Text(
        "检查时间戳单位（毫秒而非秒）与时钟；超过保存期的数据不再接收",
        "check that time is in milliseconds, not seconds, and the clock; data older than "
        "what is kept cannot be taken",
    ),
    "seq_out_of_range": Text(
        "boot 为 1 到 2^53 的整数且每次启动增大，seq 从 1 起逐条加 1，最大 2^32−1；用尽后更换 boot",
        "boot is a whole number from 1 to 2^53 that grows with every start, seq counts from 1 "
        "to 2^32-1; take a new boot when it is used up",
    ),
    "too_large": Text("拆成几条较小的消息发送", "split it into several smaller messages"),
    "too_many_samples": Text(
        "拆成几条消息，每条样本数不超过上限",
        "split it into several messages of no more samples than the limit",
    ),
    "wrong_gateway": Text(
        "该电梯登记在另一网关名下：由该网关发送，或在 lifts.csv 中更改归属",
        "this lift belongs to another gateway: let that one send, or change lifts.csv",
    ),
    "unknown_gateway": Text(
        "在站点文件 gateways.csv 中登记该网关，或更正主题中的名称",
        "enter this gateway in the site's gateways.csv, or correct its name in the topic",
    ),
    "length_mismatch": Text(
        "ts、lifts 与各列的长度必须相同；没有的值用 null",
        "ts, lifts and every column need the same length; send null where there is no value",
    ),
    "empty": Text(
        "至少发送一个样本和一个数值；没有数据时不必发送",
        "send at least one sample with one value; send nothing when there is nothing to say",
    ),
    "duplicate_key": Text(
        "同一个键只能出现一次：无法知道哪一个是对的",
        "a key may stand only once: nobody can know which of the two is right",
    ),
    "unknown_topic": Text(
        "主题应为 lift/v1/网关/telemetry、backfill、message、waveform 或 status",
        "the topic is lift/v1/GATEWAY/telemetry, backfill, message, waveform or status",
    ),
    "seq_back": Text(
        "同一 boot 内 seq 只能增大；重新计数时请更换 boot",
        "within one boot seq only grows; take a new boot to count from 1 again",
    ),
    "bad_length": Text(
        "按 docs/wire.md 4.1 的字段计数计算长度；消息可能被截断",
        "the length follows from the counts of the header, docs/wire.md 4.1; the message may "
        "have been cut short on its way",
    ),
    "bad_checksum": Text(
        "CRC-32（多项式 0xEDB88320，小端）：头部一个、正文一个，见 docs/wire.md 4.1",
        "CRC-32 as in zlib, little-endian: one of the header, one of the rest, docs/wire.md 4.1",
    ),
    "bad_header": Text(
        "使用 docs/wire.md 4.1 中给出的格式号、类型号与指数",
        "use the forms, types and exponents that docs/wire.md 4.1 gives",
    ),
    "unmapped_value": Text(
        "把该取值加入映射文件的 values（或 states），或更正发送方",
        "add this value to `values` (or `states`) of the mapping file, or correct the sender",
    ),
    "not_csv": Text(
        "按映射文件 [csv] 的分隔符、列名与编码发送，或更正该文件",
        "send the delimiter, columns and encoding that [csv] of the mapping file says, or "
        "correct that file",
    ),
    "more_refused": Text(
        "先改正以上问题；整条消息的原始字节保存在隔离区",
        "mend those named first; the bytes of the whole message are kept in quarantine",
    ),
    "not_protobuf": Text(
        "发送 Sparkplug B 载荷：org.eclipse.tahu.protobuf 的 Payload，不压缩",
        "send a Sparkplug B payload: a Payload of org.eclipse.tahu.protobuf, not compressed",
    ),
    "no_birth": Text(
        "这个别名没有对应的出生消息：我方已请求重新出生，请响应 Node Control/Rebirth",
        "no birth told what this alias means: a rebirth is asked for, answer Node Control/Rebirth",
    ),
    "internal_error": Text(
        "这是服务端的缺陷：消息已保存在隔离区，请报告运维人员",
        "this is a fault of the service: the message is kept in quarantine, tell its operators",
    ),
}


def shown(value: object) -> str:
    """Return a sender's value as it may be repeated: short, printable, valid UTF-8."""
    if isinstance(value, dict):
        text = f"object of {len(value)}"
    elif isinstance(value, list):
        text = f"array of {len(value)}"
    elif isinstance(value, str) or value is None or isinstance(value, bool):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, float) and not math.isfinite(value):
        text = json.dumps(value)  # NaN, Infinity: as those who send them write them
    else:
        text = repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def plain(name: str) -> str:
    """Return a sender's key or code, cut and made printable; without the quotes of `shown`."""
    return shown(name).removeprefix('"').removesuffix('"')


_NO_VALUE = object()


def refusal(
    reason: str,
    field: str | None = None,
    value: object = _NO_VALUE,
    limit: str | None = None,
    lift: str | None = None,
) -> Refusal:
    """Build a refusal; `value` is shown as the sender wrote it, way out by `reason`."""
    said = None if value is _NO_VALUE else shown(value)
    return Refusal(
        reason,
        None if field is None else plain(field),
        said,
        limit,
        REASONS[reason],
        None if lift is None else plain(lift),
    )


class Refusals:
    """Collects the refusals of one message, naming at most `most` of them one by one."""

    def __init__(self, most: int) -> None:
        self._most, self._total = most, 0
        self._named: list[Refusal] = []

    def __len__(self) -> int:
        return self._total

    def add(
        self,
        reason: str,
        field: str | None = None,
        value: object = _NO_VALUE,
        limit: str | None = None,
        lift: str | None = None,
    ) -> None:
        """Note one refused field."""
        self._total += 1
        if len(self._named) < self._most:
            self._named.append(refusal(reason, field, value, limit, lift))

    def named(self) -> list[Refusal]:
        """Return what was refused, with one closing entry for what was only counted."""
        rest = self._total - len(self._named)
        closing = [refusal("more_refused", None, rest, f"{self._most} named")] if rest else []
        return self._named + closing


def reject(
    reason: str,
    field: str | None = None,
    value: object = _NO_VALUE,
    limit: str | None = None,
    *,
    boot: int | None = None,
    seq: int | None = None,
) -> RejectedMessage:
    """Build the rejection of a whole message for one reason."""
    return RejectedMessage([refusal(reason, field, value, limit)], boot, seq)
