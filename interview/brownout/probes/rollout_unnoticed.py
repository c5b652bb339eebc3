"""Does anybody who asks notice when a component's pod is replaced?"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.record import Record
from ontime.errors import OntimeError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.kind.pods import NAME, judge


class RolloutUnnoticed(Probe):
    """The share of the world's requests that were lost while the component's newest pod took over.

    Lost is what failed or took longer than anybody waits: a server may accept long before it answers.

    The API server says when that pod was made and nobody can date it otherwise; what was asked from then on, the world
    says. Only the next pod can show something else, so a verdict stands until there is one. Where the newest one took
    over while hardly anybody asked, as after a start of everything, it is replaced. Only on Kubernetes.
    """

    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    kind: Literal["rollout_unnoticed"] = "rollout_unnoticed"
    component: str = "serving"
    seconds: float = Field(default=45.0, gt=0, description="Wall seconds from the pod's making that count.")
    patience_ms: float = Field(default=1500.0, gt=0, description="An answer that takes longer counts as none.")
    max_lost_share: float = Field(default=0.03, ge=0, lt=1, description="Of the requests that is still ok.")
    max_lost: int = Field(default=2, ge=0, description="Requests that are ok whatever share they are.")
    min_requests: int = Field(default=20, ge=5, description="Requests that a verdict rests on.")

    def run(self, view: ProbeView) -> ProbeResult:
        if view.environment.runtime != "kind":
            return ProbeResult("unknown", "Processes of this machine are restarted in place; only pods are replaced.")
        try:
            found = Kubectl.of(view.environment).get("pods", "-l", f"{NAME}={self.component}")["items"]
            since, pod, ready = max(
                (_made(pod), str(pod["metadata"]["name"]), judge(pod).ready) for pod in found if not _ending(pod)
            )
        except ValueError:
            return ProbeResult("unknown", f"{self.component} has no pod.")
        except (OntimeError, KeyError) as error:
            return ProbeResult("unknown", f"The pods of {self.component} cannot be seen: {str(error)[:200]}")
        record, now = Record(view.harness.record), time.time()
        asked = record.requests(since, since + self.seconds, self.patience_ms)
        if asked.count < self.min_requests:
            enough = record.requests(now - self.seconds, now, self.patience_ms).count >= self.min_requests
            if view.platform is not None and enough and now > since + self.seconds:
                with suppress(OntimeError):
                    view.platform.ontime("restart", self.component, check=False)
            return ProbeResult("unknown", f"Only {asked.count} requests came while {pod} took over.")
        measured = {"lost_share": asked.share}
        said = f"{asked.lost} of {asked.count} requests were lost while {pod} took over"
        if asked.lost > max(self.max_lost, self.max_lost_share * asked.count):
            return ProbeResult("broken", f"{said}, last with {asked.last}.", asked.count, measured)
        if not ready:
            return ProbeResult("unknown", f"{pod} has not taken over: it is not ready.")
        if now < since + self.seconds:
            return ProbeResult("unknown", f"{said} so far.")
        return ProbeResult("ok", f"{said}.", asked.count, measured)


def _made(pod: dict[str, Any]) -> float:
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).timestamp()


def _ending(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]
