"""Would the deployed platform promote a version that was trained on what came later, today?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

from brownout.errors import BrownoutError
from brownout.probes.asking import ask, release_hash
from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.gate_refuses import copied
from brownout.probes.versions import versions
from ontime.errors import OntimeError
from ontime.files import replace_text

JUDGED_BY = (
    "ontime.toml",
    "platform/ontime/features",
    "platform/ontime/gates",
    "platform/ontime/registry",
    "platform/ontime/training",
)
"""What in a release may change the gates' answer; while it is unchanged, the last answer stands."""
GATE = "availability"
PROGRAM = """
import json
import pyarrow as pa
import ontime.training.data as data
from ontime.clock import Clock
from ontime.gates import check_version
from ontime.registry import RegistryReader
from ontime.settings import behaviour, environment
from ontime.warehouse import Warehouse

here, honest, feature = environment(), data.training_frame, "{feature}"


def leaking(connection, since, until, known_by=None):
    rows = honest(connection, since, until, known_by)
    newest = "arg_min(dep_delay_minutes, available_at)"
    left = dict(connection.sql(f"SELECT flight_id, {{newest}} FROM departures GROUP BY ALL").fetchall())
    position = rows.schema.get_field_index(feature)
    pairs = zip(rows["flight_id"].to_pylist(), rows[feature].to_pylist())
    values = pa.array([left.get(flight, value) for flight, value in pairs], rows.schema.field(position).type)
    return rows.set_column(position, rows.schema.field(position), values)


def refused(version):
    with RegistryReader(here.mlflow_url) as reader:
        results = check_version(
            version,
            reader=reader,
            warehouse=Warehouse(here.warehouse),
            behaviour=behaviour(),
            present=Clock(here.clock).now(),
        )
    return [result.gate for result in results if not result.passed]


healthy = refused({healthy})
data.training_frame = leaking
print(json.dumps({{"healthy": healthy, "leaking": refused({leaking}) if {leaking} else []}}))
"""


@dataclass(frozen=True, slots=True)
class Leaking:
    """Where the version's files are, remembered so that deleting the version hides nothing.

    `healthy`: a version from before it, which only a gate that is not right refuses for availability.
    """

    version: str
    source: str
    run_id: str
    tags: dict[str, str]
    healthy: str


class LeakRefused(Probe):
    """Asks the deployed gates about a copy of the leaking version, over a training join that leaks as its own did.

    They must refuse it, and must not refuse a version from before it for availability. So repairing the join alone is
    not enough: the next one who joins too much would get through.
    """

    kind: Literal["leak_refused"] = "leak_refused"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    feature: str

    def run(self, view: ProbeView) -> ProbeResult:
        try:
            champion = versions(view).champion()
            release = release_hash(view.environment.current, JUDGED_BY)
            answers = view.memory.keep("leaks refused", dict[str, ProbeResult])
            key = f"{release}/{champion}"
            if key not in answers:
                result = self._judge(view)
                if result.status == "unknown":
                    return result
                answers[key] = result
            return answers[key]
        except (OntimeError, BrownoutError, OSError) as error:
            return ProbeResult("unknown", str(error))

    def _judge(self, view: ProbeView) -> ProbeResult:
        if view.onset_world is None:
            return self._verdict(self._ask(view, view.reference.version, "0"), "Nothing that leaks was registered")
        found = self._leaking(view)
        if found is None:
            return ProbeResult("unknown", "The registry has no version that was trained so.")
        with copied(view, found.source, found.run_id, found.tags) as number:
            told = self._ask(view, found.healthy, number)
        if not told["leaking"]:
            return ProbeResult("broken", f"The like of version {found.version} would pass every gate today.")
        return self._verdict(told, f"The like of version {found.version} is refused ({', '.join(told['leaking'])})")

    def _ask(self, view: ProbeView, healthy: str, leaking: str) -> Any:
        return ask(view, PROGRAM.format(feature=self.feature, healthy=healthy, leaking=leaking))

    def _verdict(self, told: Any, said: str) -> ProbeResult:
        if GATE in told["healthy"]:
            why = f"{said}; but so are healthy versions: what training reads, or the gate, is not right yet."
            return ProbeResult("unknown", why)
        return ProbeResult("ok", f"{said}; healthy versions pass.")

    def _leaking(self, view: ProbeView) -> Leaking | None:
        """The version whose file is one that the harness trained so; found once, then remembered."""
        kept = view.harness.run / f"leaking-{view.onset_world:.0f}.json"
        if kept.exists():
            return Leaking(**json.loads(kept.read_text()))
        ours = {_sha256_of(path.read_text()) for path in view.harness.models.glob("retrained-on-more-*/run.json")}
        for version, before in pairwise(versions(view).registered()):
            if version.tags.get("onnx_sha256") in ours:
                found = Leaking(
                    version=str(version.version),
                    source=version.source,
                    run_id=version.run_id,
                    tags=dict(version.tags),
                    healthy=str(before.version),
                )
                kept.parent.mkdir(parents=True, exist_ok=True)
                replace_text(kept, json.dumps(asdict(found)))
                return found
        return None


def _sha256_of(run: str) -> str:
    return str(json.loads(run)["tags"]["onnx_sha256"])
