"""Would somebody be told if something broke now?"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal

import httpx
import yaml

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.settings import ROOT
from brownout.silences import active_silences
from ontime.errors import OntimeError
from ontime.runtime.tools import find

HERE = ROOT / "monitoring" / "prometheus" / "tests"
"""Our own copy of the rules' tests: when each alert must fire."""
PROMTOOL_SECONDS = 60.0


class AlertsHeard(Probe):
    """Broken while alerts are silenced, or when a deployed rule no longer fires where it should.

    The deployed rules are run against our own copy of their tests' `fires` cases: another threshold is nobody's harm,
    a rule that sleeps through what it is for is. `unknown` when Alertmanager does not answer.
    """

    kind: Literal["alerts_heard"] = "alerts_heard"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"

    def run(self, view: ProbeView) -> ProbeResult:
        try:
            asleep = self._asleep(view)
            silenced = active_silences(view.environment.alertmanager_url)
        except (OntimeError, OSError, subprocess.SubprocessError) as error:
            return ProbeResult("unknown", f"The deployed rules cannot be run: {error}")
        except (httpx.HTTPError, ValueError) as error:
            return ProbeResult("unknown", f"Alertmanager does not answer: {error}")
        if silenced:
            return ProbeResult("broken", f"Alerts are silenced: {', '.join(silenced.values())[:200]}.")
        if asleep:
            return ProbeResult("broken", f"Deployed rules no longer fire where they should: {', '.join(asleep)[:200]}.")
        return ProbeResult("ok", "No alert is silenced, and each fires where it should.")

    def _asleep(self, view: ProbeView) -> tuple[str, ...]:
        rules = view.environment.current / "monitoring" / "prometheus" / "rules"
        digest = hashlib.sha256()
        for path in sorted(rules.glob("*.yml")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        known = view.memory.keep("rules that sleep", dict[str, tuple[str, ...]])
        name = digest.hexdigest()
        if name not in known:
            known[name] = asleep(rules, HERE)
        return known[name]


def asleep(rules: Path, tests: Path) -> tuple[str, ...]:
    """Names of the alerts whose `fires` cases fail with these rules. Raises `OntimeError`, `OSError`."""
    promtool = find("promtool")
    found: list[str] = []
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        for path in sorted(tests.glob("*.yml")):
            body: dict[str, Any] = yaml.safe_load(path.read_text())
            body["tests"] = [case for case in body["tests"] if case["name"].startswith("fires")]
            body["rule_files"] = [str(rules / Path(name).name) for name in body["rule_files"]]
            draft = place / path.name
            draft.write_text(yaml.safe_dump(body))
        drafts = sorted(place.glob("*.yml"))
        if _passes(promtool, drafts):
            return ()
        found = [draft.stem for draft in drafts if not _passes(promtool, [draft])]
    return tuple(found)


def _passes(promtool: str, drafts: list[Path]) -> bool:
    done = subprocess.run(
        [promtool, "test", "rules", *map(str, drafts)],
        capture_output=True,
        text=True,
        timeout=PROMTOOL_SECONDS,
        check=False,
    )
    return done.returncode == 0
