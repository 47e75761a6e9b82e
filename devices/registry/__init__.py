"""The registry: which lifts and gateways exist, and which of them belong together.

A site is a folder: lifts.csv and gateways.csv, sensor_sets.csv where it has some (header = field
names, UTF-8), beside directory.toml. A lift's position in `Registry.lifts` is its row everywhere:
in batches, in the detector's columns and in history, so a row never changes once it was given.
"""

from __future__ import annotations

from devices.registry.files import cells, load_registry, parse_registry
from devices.registry.model import (
    NAME,
    REG_CODE,
    Gateway,
    Lift,
    Registry,
    SensorSet,
    place_and_name,
    short_name,
)

__all__ = [
    "NAME",
    "REG_CODE",
    "Gateway",
    "Lift",
    "Registry",
    "SensorSet",
    "cells",
    "load_registry",
    "parse_registry",
    "place_and_name",
    "short_name",
]
