"""The packed form of telemetry: columns as bytes, for gateways with many lifts or thin links.

docs/wire.md, chapter 4.1, gives it to the byte. It comes on the `telemetry` topic and is told
from JSON by its first three bytes.
"""

from __future__ import annotations

from devices.codecs.packed.form import Flaw, claims, numbers
from devices.codecs.packed.read import careful, fast
from devices.codecs.packed.write import encode_packed

__all__ = ["Flaw", "careful", "claims", "encode_packed", "fast", "numbers"]
