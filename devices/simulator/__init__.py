"""A district of lifts as physics, with faults as labels: for the demo, tests and benchmarks."""
