"""What the service counts about itself, for /metrics and the health page."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One set a service, so that two services in one test do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def count(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(name, text, labels, namespace="liftwatch", registry=self.registry)

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(name, text, labels, namespace="liftwatch", registry=self.registry)

        def times(name: str, text: str) -> Histogram:
            return Histogram(
                name, text, namespace="liftwatch", registry=self.registry, buckets=FAST
            )

        self.messages = count("messages", "wire messages received", ("kind",))
        self.samples = count("samples", "lift-samples taken")
        self.repeats = count("repeats", "wire messages recognised as repeats")
        self.refused = count("refused", "refusals by reason", ("reason",))
        self.late = count("late_samples", "samples too late to ring a bell")
        self.given_up = count("given_up_samples", "samples gateways had and gave up", ("reason",))
        self.batches = count("batches", "batches committed")
        self.commit_s = times("commit_seconds", "history commit of a batch")
        self.detect_s = times("detect_seconds", "detector and rules over a batch")
        self.transitions = count("transitions", "rule transitions", ("rule", "kind"))
        self.late_behind = gauge("late_batches_behind", "logged batches the late lane is behind")
        self.waiting = gauge("waiting_rows", "rows taken from the broker, not stored", ("lane",))
        self.inbox = gauge("inbox", "transitions accepted and not worked off yet")
        self.errors = count("pipeline_errors", "batches the detector failed on")
        self.retries = count("commit_retries", "commits that had to be tried again")
        self.open_alerts = gauge("open_alerts", "open alerts", ("severity",))
        self.broker_up = gauge("broker_connected", "1 while the broker is connected")
        self.gateways_up = gauge("gateways_online", "gateways whose status is online")
        self.lifts_up = gauge("lifts_connected", "lifts that their gateway says are on its line")
        self.sparkplug_nodes = gauge("sparkplug_nodes", "Sparkplug edge nodes in a session")
        self.sparkplug_gaps = gauge(
            "sparkplug_gaps", "seq numbers that never came, since the start"
        )
        self.sparkplug_rebirths = gauge("sparkplug_rebirths", "rebirths asked for, since the start")
        self.outbox = gauge("outbox", "pages by state", ("state",))
        self.registry_states = gauge(
            "registry", "lifts and gateways by state of the registry", ("kind", "state")
        )
        self.credential_days = gauge(
            "credential_days_left",
            "of credentials that end soon and have no successor",
            ("gateway",),
        )
        by = ("vendor",)
        self.link_delay = gauge("link_delay_seconds", "delay today", (*by, "quantile"))
        self.link_day = gauge("link_today", "counts of links today", (*by, "kind"))
        self.link_refused = gauge("link_refused_today", "fields refused today", (*by, "reason"))
        self.link_gaps = gauge("link_gaps", "messages missing now", by)
        self.link_wrong_clocks = gauge("link_wrong_clocks", "lifts whose clock is wrong", by)
        self.lag_s = gauge("batch_lag_seconds", "age of the newest sample when committed")
