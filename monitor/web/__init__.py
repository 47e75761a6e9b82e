"""Console and API: what people see of the service, and how they act on it."""
