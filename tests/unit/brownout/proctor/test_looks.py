"""What probes measured last becomes gauges, and is gone when it is old."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from brownout.probes import ProbeResult
from brownout.proctor import looks as module
from brownout.proctor.looks import Looks
from brownout.proctor.metrics import InterviewMetrics


def told(looks: Looks) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(InterviewMetrics(lambda: (), looks))
    return generate_latest(registry).decode()


def test_the_last_look_is_told_without_what_is_not_finite() -> None:
    looks = Looks()
    looks.note(
        "x-1", {("stuck", "FreshAge"): ProbeResult("broken", "old", measured={"age": 90.0, "odd": float("inf")})}
    )
    looks.note("x-1", {("stuck", "FreshAge"): ProbeResult("broken", "old", measured={"age": 95.0})})

    line = 'brownout_probe_figure{fault="stuck",figure="age",interview="x-1",probe="FreshAge"} 95.0'
    assert line in told(looks)
    assert "odd" not in told(looks)


def test_what_was_measured_long_ago_is_not_told(monkeypatch: object) -> None:
    looks = Looks()
    looks.note("x-1", {("stuck", "FreshAge"): ProbeResult("ok", "fresh", measured={"age": 1.0})})
    monkeypatch.setattr(module, "FORGOTTEN_SECONDS", -1.0)  # type: ignore[attr-defined]

    assert 'figure="age"' not in told(looks)


def test_what_is_forgotten_is_not_told() -> None:
    looks = Looks()
    looks.note("x-1", {("stuck", "FreshAge"): ProbeResult("ok", "fresh", measured={"age": 1.0})})
    looks.forget()

    assert list(looks.figures()) == []
