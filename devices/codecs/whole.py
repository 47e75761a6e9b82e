"""The last step of a telemetry codec: samples that say nothing fall away."""

from __future__ import annotations

import numpy as np

from devices.batch import Decoded, TelemetryBatch
from devices.codecs.parse import Envelope, nothing_left
from devices.codecs.refuse import Refusals


def whole(
    batch: TelemetryBatch,
    envelope: Envelope,
    refusals: Refusals,
    field: str,
    every: bool = False,
) -> Decoded:
    """Drop rows without any value: all absent means that the lift did not answer.

    `every`: each row is known to have one. Raises RejectedMessage where no row is left;
    `field` is named where nothing else was refused.
    """
    if not every:
        spoken = ~np.isnan(batch.values).all(axis=1)
        if not spoken.all():
            batch = TelemetryBatch(
                batch.lift[spoken], batch.ts_ms[spoken], batch.values[spoken], batch.late[spoken]
            )
        if not len(batch):
            raise nothing_left(refusals, envelope, field)
    boot, seq, first = envelope.boot, envelope.seq, envelope.first
    return Decoded(boot, seq, first, "telemetry", batch, refusals.named())
