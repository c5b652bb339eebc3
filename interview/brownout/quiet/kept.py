"""Verdicts of offline windows, kept in the harness's state: they follow from the probe, the code and the windows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from brownout.probes import AnyProbe, ProbeResult
from brownout.proof.key import code_key
from brownout.quiet.offline import look
from brownout.quiet.verdict import Verdict
from brownout.quiet.windows import windows
from brownout.settings import ROOT, Harness
from ontime.files import replace_text


def of(probe: AnyProbe, count: int, model: Path, here: Harness) -> Verdict:
    """The probe in the first `count` windows; looked at once for a probe, a checkout and a model."""
    told = (probe.model_dump_json(), code_key(ROOT), hashlib.sha256(model.read_bytes()).hexdigest())
    key = hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]
    path = here.state / "quiet" / f"{key}-{count}.json"
    if path.exists():
        raw = json.loads(path.read_text())
        results = {window: ProbeResult(**result) for window, result in raw["results"].items()}
        return Verdict(raw["probe"], raw["how"], results)
    verdict = look([probe], here.data, model, windows(count))[probe.name]
    path.parent.mkdir(parents=True, exist_ok=True)
    told_results = {window: {**asdict(result), "measured": {}} for window, result in verdict.results.items()}
    replace_text(path, json.dumps({"probe": verdict.probe, "how": verdict.how, "results": told_results}))
    return verdict
