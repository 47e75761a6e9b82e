"""CSV payloads: lines into columns, numbers parsed all at once by the JSON parser's number reader.

A line's texts (lift, time, tables of values) are split off first; where only numbers follow, the
rest of all lines is one array for the parser. What that refuses is read cell by cell.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.batch import Decoded
from devices.codecs.context import Context
from devices.codecs.mapping.codec import (
    batch_of,
    operations_of,
    read_carefully,
    read_messages,
    whole,
)
from devices.codecs.mapping.columns import finish, numbers, times
from devices.codecs.mapping.lifts import Lifts
from devices.codecs.mapping.model import CsvForm, FieldRule, Mapping
from devices.codecs.mapping.packing import pack
from devices.codecs.mapping.paths import Path, shown
from devices.codecs.mapping.walk import Rows
from devices.codecs.refuse import Refusals, reject
from devices.codecs.values import Plan

_REMEMBERED = 64  # headers; a sender has one or two
Texts = list[tuple[str, ...]]
Numbers = list[tuple[float | None, ...]]
Line = tuple[int, list[str]]  # its number in the payload, its cells


class Lines(Rows):
    """Rows of a CSV payload: a value's place is its line."""

    def name(self, path: Path, row: int) -> str:
        """Return the name of a cell for a refusal, e.g. `line 3, speed`."""
        return f"line {self.places[row][0]}, {shown(path)}"


def numeric(rule: FieldRule) -> bool:
    """True where a field's cells are numbers, whatever they then mean."""
    return rule.values is None or (rule.values.keys is not None and not rule.comma)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where columns stand. The first `head` cells are split off; only numbers of ours follow.

    fields: position of each field of the map, −1 absent. tail, gaps: read the numbers of all
    lines, where none and where some are absent. rows, places: which fields they are.
    """

    columns: tuple[str, ...]
    head: int
    fields: tuple[int, ...]
    tail: msgspec.json.Decoder[Any]
    gaps: msgspec.json.Decoder[Any]
    rows: NDArray[np.intp]
    places: NDArray[np.intp]

    @staticmethod
    def of(one: Mapping, columns: tuple[str, ...]) -> Layout:
        """Plan how to read lines of these columns."""
        text = {path for path in (one.lift.path, one.time.path) if path is not None}
        text |= {rule.path for rule in one.fields if not numeric(rule)}
        text |= {path for rule in one.messages for path in one.message_paths(rule)}
        plain = {rule.path for rule in one.fields} - text
        head = max((i + 1 for i, name in enumerate(columns) if (name,) not in plain), default=0)
        where: dict[Path, int] = {(name,): i for i, name in enumerate(columns)}
        fields = tuple(where.get(rule.path, -1) for rule in one.fields)
        width, maybe = len(columns) - head, cast("Any", float | None)
        full: Any = tuple[(float,) * width]  # type: ignore[misc]
        gaps: Any = tuple[(maybe,) * width]  # type: ignore[misc]
        numbers = [(k, at - head) for k, at in enumerate(fields) if at >= head]
        rows, places = np.array(numbers, np.intp).reshape(-1, 2).T
        return Layout(
            columns, head, fields, msgspec.json.Decoder(list[full]),
            msgspec.json.Decoder(list[gaps]), rows, places,
        )  # fmt: skip

    def column(self, texts: Texts, path: Path) -> Sequence[str]:
        """Return a column of texts."""
        return texts[self.columns.index(str(path[0]))]


@dataclass(slots=True, eq=False)
class CsvCodec:
    """Reads the CSV payloads of one map."""

    map: Mapping
    form: CsvForm
    lifts: Lifts = field(init=False)
    message_lifts: list[Lifts] = field(init=False)
    known: dict[int, tuple[Plan, Any]] = field(default_factory=dict)
    places: Map[Path, tuple[int, int]] = field(default_factory=dict)
    _layouts: dict[tuple[str, ...], Layout] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lifts = Lifts(self.map.lift)
        self.message_lifts = [Lifts(rule.lift) for rule in self.map.messages]

    # -- the fast way -------------------------------------------------------------------

    def fast(self, payload: bytes, context: Context) -> Decoded | None:
        """Decode a payload in which everything is right; None if anything may be wrong."""
        form = self.form
        if b'"' in payload or (form.delimiter != "," and form.decimal == "." and b"," in payload):
            return None
        try:
            text = payload.decode(form.encoding).replace("\r\n", "\n").rstrip("\n")
        except UnicodeDecodeError:
            return None
        if "\r" in text:
            return None  # alone it ends a line, too
        lines = text.split("\n")
        header = tuple(lines.pop(0).split(form.delimiter)) if form.header else ()
        layout = self._layout(form.columns or header)
        n = len(lines)
        if layout is None or not 0 < n <= context.limits.samples or "" in lines:
            return None
        cells = self._cells(lines, layout)
        return None if cells is None else self._samples(payload, n, *cells, layout, context)

    def _layout(self, names: tuple[str, ...]) -> Layout | None:
        known = self._layouts.get(names)
        if known is None:
            if self._missing(names) or len(set(names)) != len(names):
                return None
            if len(self._layouts) >= _REMEMBERED:
                self._layouts.clear()
            known = self._layouts[names] = Layout.of(self.map, names)
        return known

    def _missing(self, names: Sequence[str]) -> list[str]:
        """Return the columns without which no line can be read."""
        needed = [self.map.lift.path, self.map.time.path]
        return [str(path[0]) for path in needed if path is not None and path[0] not in names]

    def _cells(self, lines: list[str], layout: Layout) -> tuple[Texts, Numbers] | None:
        """Return the text columns, and the numbers after them line by line."""
        sign, head = self.form.delimiter, layout.head
        numeric = head < len(layout.columns)
        split = [line.split(sign, head) if numeric else line.split(sign) for line in lines]
        if set(map(len, split)) != {head + numeric}:
            return None
        columns = list(zip(*split, strict=True))
        if not numeric:
            return columns, []
        found = self._numbers("],[".join(columns.pop()), layout)
        return None if found is None or len(found) != len(lines) else (columns, found)

    def _numbers(self, rest: str, layout: Layout) -> Numbers | None:
        """Return the numbers of all lines, whose ends are joined by `],[`; None if any is none."""
        if self.form.decimal == ",":
            if "." in rest:
                return None
            rest = rest.replace(",", ".").replace("].[", "],[")
        rest = f"[[{rest.replace(self.form.delimiter, ',')}]]"
        try:
            return layout.tail.decode(rest)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, ValueError):
            pass
        if "n" in rest:
            return None  # null and nan are no numbers of a sender
        rest = rest.replace(",,", ",null,").replace(",,", ",null,").replace("[,", "[null,")
        rest = rest.replace(",]", ",null]").replace("[]", "[null]")
        try:
            return layout.gaps.decode(rest)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, ValueError):
            return None

    def _samples(
        self, payload: bytes, n: int, texts: Texts, lines: Numbers, layout: Layout, context: Context
    ) -> Decoded | None:
        one, lift, stamp = self.map, self.map.lift.path, self.map.time.path
        said = self.lifts.named(context)
        names = [said] * n if lift is None else layout.column(texts, lift)
        rows = self.lifts.rows(names, context)
        ts_ms = times(one.time, () if stamp is None else layout.column(texts, stamp), n, context)
        if rows is None or ts_ms is None:
            return None
        read = np.full((len(one.fields), n), math.nan)
        width = len(layout.columns) - layout.head
        if lines:
            read[layout.rows] = pack(lines, width).T[layout.places]
        for k, (rule, place) in enumerate(zip(one.fields, layout.fields, strict=True)):
            if 0 <= place < layout.head:
                column = self._texts(rule, texts[place])
            elif place >= 0 and rule.values is not None:
                column = rule.values.of_numbers(read[k])
            else:
                continue
            if column is None:
                return None
            read[k] = column
        full = finish(operations_of(self, context.plan), read, rows, context)
        if full is None:
            return None
        batch, refusals = (
            batch_of(one, rows, ts_ms, full, context),
            Refusals(context.limits.refusals),
        )
        if any(self._telling(rule.path, rule.ignored, layout, texts) for rule in one.messages):
            found = self._read(payload)
            batch.messages = read_messages(self, lambda p: _rows(*found, p), refusals, context)
        return whole(one, batch, refusals)

    def _texts(self, rule: FieldRule, cells: Sequence[str]) -> Any:
        if rule.values is None:
            return numbers(cells) if self.form.decimal == "." else None
        known = rule.values.by_text
        try:
            return [known[cell] if cell else math.nan for cell in cells]
        except KeyError:
            return None

    @staticmethod
    def _telling(path: Path, ignored: frozenset[str], layout: Layout, texts: Texts) -> bool:
        if path[0] not in layout.columns:
            return False
        return not set(layout.column(texts, path)) <= ignored | {""}

    # -- with care ----------------------------------------------------------------------

    def careful(self, payload: bytes, context: Context) -> Decoded:
        """Decode what can be taken of a payload, naming each cell that cannot.

        Raises RejectedMessage where it is no CSV of this map or nothing is left.
        """
        refusals = Refusals(context.limits.refusals)
        header, lines = self._read(payload)
        if len(lines) > context.limits.samples:
            raise reject("too_many_samples", "payload", len(lines), f"{context.limits.samples}")
        for number, line in lines:
            if len(line) != len(header):
                limit = f"{len(header)} columns"
                refusals.add("length_mismatch", f"line {number}", len(line), limit)
        good = [(number, line) for number, line in lines if len(line) == len(header)]
        return read_carefully(self, lambda paths: _rows(header, good, paths), refusals, context)

    def _read(self, payload: bytes) -> tuple[list[str], list[Line]]:
        if not payload.strip():
            raise reject("empty", "payload", None)
        form = self.form
        try:
            stream = io.StringIO(payload.decode(form.encoding), newline="")
            reader = csv.reader(stream, delimiter=form.delimiter, strict=True)
            lines = [(reader.line_num, line) for line in reader if line]
        except (UnicodeDecodeError, csv.Error) as error:
            raise reject("not_csv", "payload", str(error), f"CSV in {form.encoding}") from None
        first = lines.pop(0)[1] if form.header and lines else []
        header = list(form.columns or first)
        if self._missing(header) or len(set(header)) != len(header):
            limit = "columns " + ", ".join(self._missing(header) or ["once each"])
            raise reject("not_csv", "header", form.delimiter.join(header), limit)
        return header, lines


def _rows(header: list[str], lines: list[Line], paths: list[Path]) -> Rows:
    columns: dict[Path, list[object]] = {}
    for path in paths:
        at = header.index(str(path[0])) if path[0] in header else -1
        columns[path] = [line[at] or None if 0 <= at < len(line) else None for _, line in lines]
    return Lines(len(lines), columns, [(number,) for number, _ in lines])
