"""The gateway SDK: store, forward, and forget only what the service says is durable.

    with Gateway("gw-01", store=Path("gw-01.db"), url="mqtt://broker:1883") as gateway:
        gateway.publish_columns(ts_ms, ["3110…"], {"speed": [0.0], "door_zone": [True]})
        gateway.flush(10.0)

Everything is on disk before it is on the wire. Alarms go first, then what is live, then what an
outage left behind, as fast as the service takes it without the live waiting. What leaves the
disk is what the service's acknowledgement covers. Delivery is at least once; the service
recognises repeats by (gateway, boot, seq), so its history holds every sample once. docs/wire.md
has the contract, docs/guide-gateway.md the way through this package.
"""

from devices.gateway.aio import AsyncGateway
from devices.gateway.clock import ClockOffset
from devices.gateway.encoding import Encoding, JsonColumns, Packed
from devices.gateway.errors import GatewayError, MessageTooLarge, StoreFull, StoreInUse
from devices.gateway.forwarder import Counters
from devices.gateway.lanes import Batching
from devices.gateway.link import Address
from devices.gateway.sync import Gateway, State
from devices.gateway.trim import WhenFull

__all__ = [
    "Address",
    "AsyncGateway",
    "Batching",
    "ClockOffset",
    "Counters",
    "Encoding",
    "Gateway",
    "GatewayError",
    "JsonColumns",
    "MessageTooLarge",
    "Packed",
    "State",
    "StoreFull",
    "StoreInUse",
    "WhenFull",
]
