"""What the service counts about itself, for /metrics and the health page."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One set a service, so that two services in one test do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = {"registry": self.registry, "namespace": "liftwatch"}
        self.messages = Counter("messages", "wire messages received", ["kind"], **own)
        self.samples = Counter("samples", "lift-samples taken", **own)
        self.repeats = Counter("repeats", "wire messages recognised as repeats", **own)
        self.refused = Counter("refused", "refusals by reason", ["reason"], **own)
        self.late = Counter("late_samples", "samples too late to ring a bell", **own)
        self.batches = Counter("batches", "batches committed", **own)
        self.commit_s = Histogram(
            "commit_seconds", "history commit of a batch", buckets=FAST, **own
        )
        self.detect_s = Histogram(
            "detect_seconds", "detector and rules over a batch", buckets=FAST, **own
        )
        self.transitions = Counter("transitions", "rule transitions", ["rule", "kind"], **own)
        self.errors = Counter("pipeline_errors", "batches the detector failed on", **own)
        self.retries = Counter("commit_retries", "commits that had to be tried again", **own)
        self.pages = Counter("pages", "pages by channel and outcome", ["channel", "state"], **own)
        self.open_alerts = Gauge("open_alerts", "open alerts", ["severity"], **own)
        self.broker_up = Gauge("broker_connected", "1 while the broker is connected", **own)
        self.gateways_up = Gauge("gateways_online", "gateways whose status is online", **own)
        self.outbox_due = Gauge("outbox_due", "pages not yet delivered", **own)
        self.lag_s = Gauge("batch_lag_seconds", "age of the newest sample when committed", **own)
