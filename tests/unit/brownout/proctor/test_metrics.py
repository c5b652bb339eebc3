from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from brownout import entries as e
from brownout.interview import Interview
from brownout.proctor.metrics import InterviewMetrics, create_app

Tell = Callable[..., Any]
BEGIN = 1_795_000_000.0


@pytest.fixture
def scrape(client_of: Any) -> Any:
    def ask(*interviews: Interview, given: str = "secret", path: str = "/metrics") -> Any:
        app = create_app(InterviewMetrics(lambda: [i.facts() for i in interviews]), "secret")
        return client_of(app).get(path, headers={"Authorization": f"Bearer {given}"})

    return ask


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (s.name, *(f"{k}={v}" for k, v in sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def test_every_promised_metric_says_what_the_ledger_says(tell_story: Tell, scrape: Any) -> None:
    story = tell_story().started().finding(300, ("ingest", "stale_data"))
    story.add(310, e.Hint(number=1, fault="stuck", text="look"), "candidate")
    for probe in ("FreshAge", "ServedScorePath"):
        story.probe(400, probe, "ok").held(430, probe, since=400)
    story.probe(500, "ServedScorePath", "unknown")

    got = samples(scrape(story.interview).text)

    me, fault = f"interview={story.id}", ("fault=stuck", f"interview={story.id}", "layer=features")
    assert got[("brownout_interview_info", me, "level=junior", "scenario=junior-01", "seed=7")] == 1
    assert got[("brownout_interview_state", me, "state=running")] == 1
    assert sum(v for k, v in got.items() if k[0] == "brownout_interview_state") == 1
    assert got[("brownout_fault_injected_timestamp_seconds", *fault)] == BEGIN + 10
    assert got[("brownout_fault_symptom_observed_timestamp_seconds", *fault)] == BEGIN + 60
    assert got[("brownout_fault_found_timestamp_seconds", *fault)] == BEGIN + 300
    assert got[("brownout_fault_mitigated_timestamp_seconds", *fault)] == BEGIN + 400
    assert got[("brownout_fault_fixed_timestamp_seconds", *fault)] == BEGIN + 400
    assert got[("brownout_findings_total", me, "verdict=confirmed")] == 1
    assert got[("brownout_hints_total", me)] == 1
    assert got[("brownout_probe_status", "fault=stuck", me, "probe=FreshAge")] == 1
    assert got[("brownout_probe_status", "fault=stuck", me, "probe=ServedScorePath")] == -1


def test_what_was_made_worse_and_looked_at_is_counted(tell_story: Tell, scrape: Any, control: e.FaultRecord) -> None:
    story = tell_story(faults=(control,)).started()
    story.finding(300, ("none", "nothing_is_broken"), evidence="parity is zero")
    done = samples(scrape(story.interview).text)
    for second, probe, status in (
        (310, "ServedScorePath", "broken"),
        (320, "ServedScorePath", "ok"),
        (330, "AlertsHeard", "broken"),
    ):
        story.probe(second, probe, status, fault="well")
    for source in ("mlflow", "git", "mlflow"):
        story.add(400, e.Consulted(source=source, what="its pages were opened"))

    got = samples(scrape(story.interview).text)

    me, fault = f"interview={story.id}", ("fault=well", f"interview={story.id}")
    moment = ("brownout_fault_done_timestamp_seconds", *fault, "layer=control")
    assert done[moment] == BEGIN + 300
    assert moment not in got
    assert got[("brownout_harms", *fault, "state=worse")] == 1
    assert got[("brownout_harms", *fault, "state=healed")] == 1
    assert got[("brownout_evidence_total", me, "source=mlflow")] == 2
    assert got[("brownout_evidence_total", me, "source=git")] == 1


def test_what_has_not_happened_is_absent(tell_story: Tell, scrape: Any) -> None:
    text = scrape(tell_story().interview).text

    assert not [key for key in samples(text) if key[0].startswith("brownout_fault_")]


def test_without_an_interview_there_is_nothing_but_help(scrape: Any) -> None:
    answer = scrape()

    assert answer.status_code == 200
    assert samples(answer.text) == {}


@pytest.mark.parametrize("token", ["", "secre", "secrets", "\xfc"])
def test_a_wrong_token_gets_nothing(tell_story: Tell, scrape: Any, token: str) -> None:
    answer = scrape(tell_story().interview, given=token)

    assert answer.status_code == 401
    assert "brownout" not in answer.text


def test_nothing_else_is_served(scrape: Any) -> None:
    assert scrape(path="/docs").status_code == 404
