"""The interviewer's metrics, computed at each scrape from facts, and so the same again after a crash."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from brownout.facts import STATES, Facts
from brownout.proctor.looks import Looks

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOMENTS = {
    "injected": "the fault was put in",
    "symptom_observed": "its symptom was first observed",
    "found": "the candidate stated what was then confirmed",
    "mitigated": "the change was made that ended the symptom",
    "fixed": "the change was made that ended the root cause",
    "done": "it was fixed; of a control: found with nothing left worse",
}
_STATUS = {"ok": 1.0, "broken": 0.0, "unknown": -1.0}


class InterviewMetrics(Collector):
    """Asks `facts` for every interview to report; what probes measured last is in `looks`."""

    def __init__(self, facts: Callable[[], Iterable[Facts]], looks: Looks | None = None) -> None:
        self._facts = facts
        self._looks = looks or Looks()

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        known = list(self._facts())
        yield self._info(known)
        yield self._state(known)
        for moment, meaning in MOMENTS.items():
            yield self._moment(known, moment, meaning)
        yield self._findings(known)
        yield self._hints(known)
        yield self._harms(known)
        yield self._evidence(known)
        yield self._probes(known)
        yield self._figures()

    def _info(self, known: list[Facts]) -> Metric:
        labels = ["interview", "scenario", "level", "seed"]
        family = GaugeMetricFamily("brownout_interview_info", "What the interview is; always 1.", labels=labels)
        for f in known:
            family.add_metric([f.interview, f.scenario, f.level, str(f.seed)], 1.0)
        return family

    def _state(self, known: list[Facts]) -> Metric:
        family = GaugeMetricFamily(
            "brownout_interview_state", "1 for the state that the interview is in.", labels=["interview", "state"]
        )
        for f in known:
            for state in STATES:
                family.add_metric([f.interview, state], float(f.state == state))
        return family

    def _moment(self, known: list[Facts], moment: str, meaning: str) -> Metric:
        family = GaugeMetricFamily(
            f"brownout_fault_{moment}_timestamp_seconds",
            f"Wall time at which {meaning}; absent until then.",
            labels=["interview", "fault", "layer"],
        )
        for f in known:
            for fault in f.faults:
                at = getattr(fault, moment)
                if at is not None:
                    family.add_metric([f.interview, fault.fault, fault.layer], at.wall)
        return family

    def _findings(self, known: list[Facts]) -> Metric:
        family = CounterMetricFamily(
            "brownout_findings_total", "Conclusions by verdict.", labels=["interview", "verdict"]
        )
        for f in known:
            for verdict, count in f.finding_counts().items():
                family.add_metric([f.interview, verdict], float(count))
        return family

    def _hints(self, known: list[Facts]) -> Metric:
        family = CounterMetricFamily("brownout_hints_total", "Scripted hints handed out.", labels=["interview"])
        for f in known:
            family.add_metric([f.interview], float(len(f.hints)))
        return family

    def _harms(self, known: list[Facts]) -> Metric:
        family = GaugeMetricFamily(
            "brownout_harms",
            "What was made worse: guards that broke, by whether they are ok again.",
            labels=["interview", "fault", "state"],
        )
        for f in known:
            for fault in f.faults:
                left = len(fault.left_worse)
                family.add_metric([f.interview, fault.fault, "worse"], float(left))
                family.add_metric([f.interview, fault.fault, "healed"], float(len(fault.harms) - left))
        return family

    def _evidence(self, known: list[Facts]) -> Metric:
        family = CounterMetricFamily(
            "brownout_evidence_total",
            "Looks at a place where evidence stands, seen from outside the candidate's shell.",
            labels=["interview", "source"],
        )
        for f in known:
            for source, looks in f.evidence_counts().items():
                family.add_metric([f.interview, source], float(looks))
        return family

    def _probes(self, known: list[Facts]) -> Metric:
        family = GaugeMetricFamily(
            "brownout_probe_status",
            "The probe's last answer: 1 ok, 0 broken, -1 unknown.",
            labels=["interview", "fault", "probe"],
        )
        for f in known:
            for fault in f.faults:
                for probe in fault.probes:
                    family.add_metric([f.interview, fault.fault, probe.probe], _STATUS[probe.status])
        return family

    def _figures(self) -> Metric:
        family = GaugeMetricFamily(
            "brownout_probe_figure",
            "What the probe measured at its last look; absent when that is long ago.",
            labels=["interview", "fault", "probe", "figure"],
        )
        for figure in self._looks.figures():
            family.add_metric([figure.interview, figure.fault, figure.probe, figure.name], figure.value)
        return family


def create_app(metrics: InterviewMetrics, token: str) -> FastAPI:
    """`GET /metrics` behind a bearer token, and nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/metrics")
    def scrape(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Response("a bearer token is required\n", 401, {"WWW-Authenticate": "Bearer"}, "text/plain")
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return app
