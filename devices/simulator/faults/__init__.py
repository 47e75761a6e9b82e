"""Faults as labels: causes that are put into the physics, each with the rule it must ring."""

from devices.simulator.faults import doors, motion, near, people, sensors, supply, upkeep
from devices.simulator.faults.catalogue import CATALOGUE, Fault

__all__ = ["CATALOGUE", "Fault", "doors", "motion", "near", "people", "sensors", "supply", "upkeep"]
