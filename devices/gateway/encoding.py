"""How samples travel: JSON columns, or any other form with the same face."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from devices.codecs.packed import encode_packed
from devices.codecs.parse import VERSION
from devices.gateway.names import Names
from devices.gateway.rows import Rows
from devices.vocabulary import Vocabulary, load_vocabulary


class Encoding(Protocol):
    """Turns samples into the payload of one message of the topic `kind`."""

    kind: str

    def encode(self, boot: int, seq: int, first: int, rows: Rows, names: Names) -> bytes:
        """Return the payload. It must be the same for the same arguments, in any process."""
        ...


class JsonColumns:
    """docs/wire.md, chapter 4: many lifts, one array a channel."""

    kind = "telemetry"

    def encode(self, boot: int, seq: int, first: int, rows: Rows, names: Names) -> bytes:
        """Return the payload; numbers in the shortest form that is the same float32."""
        ts_ms = rows.ts_ms
        same = bool((ts_ms == ts_ms[0]).all())
        columns = {
            name: _column(values)
            for name, values in zip(names.texts(rows.channel), rows.values, strict=True)
            if not np.isnan(values).all()
        }
        body: dict[str, Any] = {
            "ts": int(ts_ms[0]) if same else np.ascontiguousarray(ts_ms),
            "lifts": names.texts(rows.lift),
            "columns": columns,
        }
        return (
            envelope(boot, seq, first) + orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)[1:]
        )


def envelope(boot: int, seq: int, first: int) -> bytes:
    """Return the beginning of every numbered message, up to its own fields."""
    return b'{"first":%d,"v":%d,"boot":%d,"seq":%d,' % (first, VERSION, boot, seq)


def _column(values: NDArray[np.float32]) -> NDArray[Any]:
    """Whole numbers without a point are shorter; what is absent becomes null."""
    if np.isnan(values).any():
        return np.ascontiguousarray(values)
    if float(np.abs(values).max()) >= 2**24:
        return np.ascontiguousarray(values)
    whole = values.astype(np.int32)
    return whole if (whole == values).all() else np.ascontiguousarray(values)


class Packed:
    """docs/wire.md, chapter 4.1: the same as bytes, for many lifts or a thin link.

    Gateway and service must agree on the vocabulary, which the service checks. What the packed
    form cannot say (a channel nobody knows, to be refused by name) goes as JSON columns.
    """

    kind = "telemetry"

    def __init__(self, vocab: Vocabulary | None = None) -> None:
        self._vocab = vocab or load_vocabulary()
        self._otherwise = JsonColumns()

    def encode(self, boot: int, seq: int, first: int, rows: Rows, names: Names) -> bytes:
        """Return the payload; every float32 as it is."""
        ts_ms = rows.ts_ms
        same = bool((ts_ms == ts_ms[0]).all())
        columns = {
            name: values
            for name, values in zip(names.texts(rows.channel), rows.values, strict=True)
            if not np.isnan(values).all()
        }
        try:
            return encode_packed(
                self._vocab,
                boot,
                seq,
                int(ts_ms[0]) if same else ts_ms.tolist(),
                names.texts(rows.lift),
                columns,
                first,
            )
        except ValueError:
            return self._otherwise.encode(boot, seq, first, rows, names)
