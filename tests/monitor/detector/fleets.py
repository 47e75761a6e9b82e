"""Small fleets and hand-written batches for tests."""

from __future__ import annotations

import numpy as np

from devices.batch import MessageRows, TelemetryBatch
from devices.vocabulary import load_vocabulary

VOCAB = load_vocabulary()
T0 = 1_800_000_000_000
STATES = {"off": 0, "on": 1, "once": 2}


def registry(n, rated=1.75, gateways=1, period=1.0, floors=(1, 20), **columns):
    """`columns`: optional ones, one value for all lifts."""
    more = {name: np.full(n, value, np.float32) for name, value in columns.items()}
    return more | {
        "rated_speed": np.full(n, rated, np.float32),
        "floor_lo": np.full(n, floors[0], np.float32),
        "floor_hi": np.full(n, floors[1], np.float32),
        "period_s": np.full(n, period, np.float32),
        "gateway_row": (np.arange(n) % gateways).astype(np.float32),
    }


def batch(samples=(), messages=()):
    """samples: (lift, ts, {channel: value}[, late]); messages: (lift, ts, code, state[, late])."""
    n, m = len(samples), len(messages)
    values = np.full((n, len(VOCAB)), np.nan, np.float32)
    for i, sample in enumerate(samples):
        for name, value in sample[2].items():
            values[i, VOCAB.index(name)] = value
    return TelemetryBatch(
        np.array([s[0] for s in samples], np.int32).reshape(n),
        np.array([s[1] for s in samples], np.int64).reshape(n),
        values,
        np.array([len(s) > 3 and s[3] for s in samples], np.bool_).reshape(n),
        MessageRows(
            np.array([s[0] for s in messages], np.int32).reshape(m),
            np.array([s[1] for s in messages], np.int64).reshape(m),
            np.array([s[2] for s in messages], np.int32).reshape(m),
            np.array([STATES[s[3]] for s in messages], np.int8).reshape(m),
            np.array([len(s) > 4 and s[4] for s in messages], np.bool_).reshape(m),
        ),
    )
