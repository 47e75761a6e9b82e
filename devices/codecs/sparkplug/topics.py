"""Topics of Sparkplug B: `spBv1.0/{group}/{verb}/{edge node}[/{device}]`, and the host's STATE."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

NAMESPACE = "spBv1.0"
NODE_VERBS = frozenset({"NBIRTH", "NDATA", "NDEATH"})
DEVICE_VERBS = frozenset({"DBIRTH", "DDATA", "DDEATH"})
STATE = "STATE"
_FORBIDDEN = frozenset("+#")


@dataclass(frozen=True, slots=True)
class Topic:
    """What an edge node publishes on; `device` is None for the node's own verbs."""

    group: str
    verb: str
    node: str
    device: str | None


@lru_cache(maxsize=16_384)
def parse_topic(name: str) -> Topic | None:
    """Return the parts of an upward topic; None for commands, STATE and everything else."""
    parts = name.split("/")
    if not 4 <= len(parts) <= 5 or parts[0] != NAMESPACE or not all(parts):
        return None
    if any(_FORBIDDEN & set(part) for part in parts):
        return None
    verbs = NODE_VERBS if len(parts) == 4 else DEVICE_VERBS
    if parts[2] not in verbs:
        return None
    return Topic(parts[1], parts[2], parts[3], parts[4] if len(parts) == 5 else None)


def filters(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a host subscribes to: the upward verbs only, so that commands of other hosts
    never come in. No groups: those of every group."""
    return tuple(one for group in groups or ("+",) for one in node_filters(group, "+"))


def node_filters(group: str, node: str) -> tuple[str, ...]:
    """Return all that a node may publish on, for itself and its devices."""
    of_node = [(verb, node) for verb in sorted(NODE_VERBS)]
    of_devices = [(verb, f"{node}/+") for verb in sorted(DEVICE_VERBS)]
    return tuple(f"{NAMESPACE}/{group}/{verb}/{rest}" for verb, rest in of_node + of_devices)


def rebirth_topic(group: str, node: str) -> str:
    """Return where a rebirth is asked for."""
    return f"{NAMESPACE}/{group}/NCMD/{node}"


def state_topic(host: str) -> str:
    """Return where a host says that it is there."""
    return f"{NAMESPACE}/{STATE}/{host}"
