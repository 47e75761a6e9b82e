"""What lifts say: vocabulary, registry, wire formats, the gateway SDK and the simulator."""
