"""What is claimed, measured: `python -m benchmarks NAME` prints one JSON line last."""
