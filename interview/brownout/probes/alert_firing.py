"""Does the platform's own alert fire? What the person on call is paged with, and nothing more: a symptom."""

from __future__ import annotations

from typing import Any, Literal

import httpx
from pydantic import Field

from brownout.http import client
from brownout.probes.base import Probe, ProbeResult, ProbeView

TIMEOUT = httpx.Timeout(3.0, connect=1.0)


class AlertFiring(Probe):
    """Broken while the named alert fires in the platform's Prometheus, which a candidate can edit.

    For symptoms alone: it says what was seen, never what is so. `unknown` when Prometheus does not answer.
    """

    kind: Literal["alert_firing"] = "alert_firing"
    alert: str = Field(pattern=r"^[A-Z][A-Za-z]+$")

    def run(self, view: ProbeView) -> ProbeResult:
        try:
            answer = client().get(f"{view.environment.prometheus_url}/api/v1/alerts", timeout=TIMEOUT)
            answer.raise_for_status()
            active: list[dict[str, Any]] = answer.json()["data"]["alerts"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            return ProbeResult("unknown", f"The platform's Prometheus does not say which alerts fire: {error}")
        firing = [a for a in active if a["labels"].get("alertname") == self.alert and a["state"] == "firing"]
        if not firing:
            return ProbeResult("ok", f"{self.alert} does not fire.")
        said = str(firing[0].get("annotations", {}).get("summary", ""))[:200]
        return ProbeResult("broken", f"{self.alert} fires: {said or 'it gives no summary'}")
