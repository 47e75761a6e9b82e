"""The benchmarks of the gateway SDK in their short form: nothing lost, nothing doubled."""

from __future__ import annotations

from benchmarks import chaos_link, outage


def test_after_an_outage_everything_is_there_once_and_marked_as_late() -> None:
    found = outage.run(["--hours", "0.1", "--lifts", "40", "--gateways", "2", "--processes", "1"])
    assert (found["lost"], found["doubled"], found["refused"]) == (0, 0, 0)
    assert found["durable"] and found["held_samples"] == 14_400
    assert (found["late_alarms_missing"], found["late_alarms_unmarked"]) == (0, 0)
    assert found["given_up"] == 0


def test_over_a_bad_line_every_sample_arrives_once() -> None:
    found = chaos_link.run(["--seconds", "6", "--gateways", "2", "--lifts", "6", "--delay", "0.3"])
    assert (found["lost"], found["doubled"], found["holes"]) == (0, 0, 0)
    assert found["durable"] and found["stored"] > 0
    assert found["packets_lost"] > 0 and found["packets_doubled"] > 0
