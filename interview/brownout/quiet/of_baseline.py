"""Offline windows with the model of the baseline `may`, which is built when it is not there; nothing has to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from brownout import baselines
from brownout.probes import AnyProbe
from brownout.quiet import kept
from brownout.quiet.verdict import Verdict
from brownout.settings import Harness
from ontime.settings import Environment

BASELINE = "may"


def look(
    probes: Mapping[str, AnyProbe],
    count: int,
    harness: Harness,
    environment: Environment,
    tell: Callable[[str, str, str], None],
) -> list[Verdict]:
    """Verdicts on `probes` under the caller's names. Raises what building a baseline raises."""
    tell("champion", "started", BASELINE)
    model = baselines.champion(baselines.build(BASELINE, environment, harness))
    tell("champion", "done", str(model))
    found: list[Verdict] = []
    for name, probe in probes.items():
        tell(name, "started", probe.name)
        verdict = kept.of(probe, count, model, harness)
        found.append(Verdict(name, verdict.how, verdict.results))
        tell(name, "done", str(verdict))
    return found
