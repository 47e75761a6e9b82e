"""What the fleet's samples mean: numpy only; knows no broker, no database, no clock."""

from __future__ import annotations

from monitor.detector.columns import DerivedColumn
from monitor.detector.detector import Detector, FleetColumns
from monitor.detector.schema import DERIVED, rule_schema
from monitor.detector.signals import Signals

__all__ = ["DERIVED", "DerivedColumn", "Detector", "FleetColumns", "Signals", "rule_schema"]
