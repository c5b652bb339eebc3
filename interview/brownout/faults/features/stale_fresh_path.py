"""The fresh path waits for whoever speaks last: the watermark stands still while every job is green."""

from __future__ import annotations

from brownout.faults.actions import (
    DeleteData,
    EditFiles,
    GitRevert,
    MlflowAlias,
    RestartComponent,
    RewriteTimes,
)
from brownout.faults.cheats import silencing
from brownout.faults.edits import Edit
from brownout.faults.injectors import CodeCommit
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import FreshAge, ServedScorePath

WATERMARK, FRESH = "platform/ontime/ingest/watermark.py", "platform/ontime/ingest/fresh.py"
TEST = "tests/unit/ontime/ingest/test_watermark.py"

HEALTHY_AT = """\
        told = max(self._latest.values(), default=EPOCH)
        return min(now, max(told, now - self._quiet))
"""
WAITING_AT = """\
        told = min(self._latest.values(), default=now - self._quiet)
        return min(now, told)
"""
HEALTHY_OBSERVE = """\
        self._latest[kind] = max(available_at, self._latest.get(kind, EPOCH))
"""
GUARDED_OBSERVE = """\
        latest = self._latest.get(kind, available_at)
        if available_at - latest <= self._quiet:
            self._latest[kind] = max(available_at, latest)
"""
HEALTHY_DOC = """\
    Upstream sends in the order of availability, so its latest event speaks for everything before it. When it is silent
    for longer than `quiet`, nothing has happened.
"""
HEALTHY_CALL = "self._watermark.observe(event.kind, event.available_at)"
HEALTHY_IMPORT = "from ontime.ingest.watermark import Watermark\n"
EPOCH_LINE = "EPOCH = datetime.fromtimestamp(0, UTC)\n"

SENDER = '''\
EPOCH = datetime.fromtimestamp(0, UTC)


def sender(event: Event) -> str:
    """Who told us: an airline, or the weather service."""
    flight = getattr(event, "flight", event)
    return str(getattr(flight, "carrier", event.kind))
'''
SENDER_AND_KIND = '''\
EPOCH = datetime.fromtimestamp(0, UTC)


def source(event: Event) -> str:
    """The stream that an event came in: what an airline, or the weather service, sends of one kind."""
    flight = getattr(event, "flight", event)
    return f"{getattr(flight, 'carrier', 'weather')}/{event.kind}"
'''
IMPORTS = "from datetime import UTC, datetime, timedelta\n"
IMPORTS_WITH_EVENT = "from datetime import UTC, datetime, timedelta\n\nfrom ontime.contract import Event\n"

HEALTHY_TEST = """\
    latest = max((moment for _, moment in told), default=NOON - timedelta(days=1))

    assert watermark.at(NOON) == max(latest, NOON - QUIET)
"""


def _per_source(function: str, text: str, doc: str) -> tuple[Edit, ...]:
    """One watermark a source, all of which have to agree."""
    return (
        Edit(path=WATERMARK, old=IMPORTS, new=IMPORTS_WITH_EVENT),
        Edit(path=WATERMARK, old=EPOCH_LINE, new=text),
        Edit(path=WATERMARK, old=HEALTHY_DOC, new=doc),
        Edit(path=WATERMARK, old=HEALTHY_AT, new=WAITING_AT),
        Edit(path=FRESH, old=HEALTHY_IMPORT, new=f"from ontime.ingest.watermark import Watermark, {function}\n"),
        Edit(path=FRESH, old=HEALTHY_CALL, new=f"self._watermark.observe({function}(event), event.available_at)"),
    )


TEST_EDIT = Edit(
    path=TEST,
    old=HEALTHY_TEST,
    new="""\
    slowest = min({kind: max(m for k, m in told if k == kind) for kind, _ in told}.values(), default=NOON - QUIET)

    assert watermark.at(NOON) == slowest
""",
)
TEST_EDIT_GUARDED = Edit(
    path=TEST,
    old=HEALTHY_TEST,
    new="""\
    assert watermark.at(NOON) <= NOON
""",
)

VARIANTS: dict[str, tuple[str, str, tuple[Edit, ...]]] = {
    "airline": (
        "Fresh features: one silent airline must not look complete",
        "Rows went out while an airline's feed lagged behind the others. Watermark per sender; the slowest one counts.",
        (
            *_per_source(
                "sender",
                SENDER,
                "    Each sender sends in the order of availability, so its latest event speaks for everything before"
                " it.\n    The slowest sender says how far all of them are.\n",
            ),
            TEST_EDIT,
        ),
    ),
    "stream": (
        "Watermark per stream, so that arrivals cannot outrun departures",
        "A grid point closed before the departures of its last minutes were in. Every stream has to have passed it.",
        (
            *_per_source(
                "source",
                SENDER_AND_KIND,
                "    Each stream is in the order of availability, so its latest event speaks for everything before it"
                " there.\n    A moment is complete once every stream has passed it.\n",
            ),
            TEST_EDIT,
        ),
    ),
    "jump": (
        "Ignore events that jump ahead when advancing the watermark",
        "A sender with a wrong clock closed grid points early last week. Every kind of event has to agree now.",
        (
            Edit(
                path=WATERMARK,
                old=HEALTHY_DOC,
                new="    Upstream sends each kind in the order of availability. An event more than `quiet` ahead of its"
                " kind has a wrong\n    clock and says nothing; a moment is complete once every kind has passed it.\n",
            ),
            Edit(path=WATERMARK, old=HEALTHY_OBSERVE, new=GUARDED_OBSERVE),
            Edit(path=WATERMARK, old=HEALTHY_AT, new=WAITING_AT),
            TEST_EDIT_GUARDED,
        ),
    ),
}
REPAIRED_AT = Edit(path=WATERMARK, old=WAITING_AT, new=HEALTHY_AT)
LATEST_ONLY = Edit(
    path=WATERMARK,
    old=WAITING_AT,
    new="""\
        told = max(self._latest.values(), default=now - self._quiet)
        return min(now, max(told, now - self._quiet))
""",
)
FLOORED = Edit(
    path=WATERMARK,
    old=WAITING_AT,
    new="""\
        told = min(self._latest.values(), default=now - self._quiet)
        return min(now, max(told, now - self._quiet))
""",
)
STAMPED_NOW = Edit(
    path=FRESH,
    old="            rows = fresh_rows(self._events.connection, at, since=since)\n",
    new="            rows = fresh_rows(self._events.connection, at, since=since)\n"
    "            rows = {view: _stamped(found, point) for view, found in rows.items()}\n",
)
STAMP = Edit(
    path=FRESH,
    old="class FeatureSink(Protocol):\n",
    new='''\
def _stamped(rows: pa.Table, moment: datetime) -> pa.Table:
    """The rows with the moment at which they are written."""
    index = rows.schema.get_field_index("event_timestamp")
    stamps = pa.array([moment] * rows.num_rows, rows.schema.field(index).type)
    return rows.set_column(index, rows.schema.field(index), stamps)


class FeatureSink(Protocol):
''',
)


def plan(parameters: Parameters) -> Plan:
    subject, body, edits = VARIANTS[str(parameters["variant"])]
    path, age = ServedScorePath(), FreshAge(steady_minutes=180)
    return Plan(
        injections=(CodeCommit(subject=subject, body=body, role="data-engineer", edits=edits),),
        symptom=path,
        root_cause=(age,),
        solutions=(Repair(name="revert-the-commit", actions=(GitRevert(subject=subject),)),),
        valid_fixes=(
            Repair(
                name="latest-word-counts-again",
                actions=(EditFiles(edits=(LATEST_ONLY,), subject="Watermark: the latest word counts again"),),
            ),
            Repair(
                name="silence-ends-after-quiet",
                actions=(EditFiles(edits=(FLOORED,), subject="Watermark: a silent source holds back quiet at most"),),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="restart-ingest-and-hope",
                actions=(RestartComponent(component="ingest"),),
                leaves="mitigated",
                convicted_by=age.name,
                why="The watermark starts anew and stands still again within a world hour or two.",
            ),
            WrongFix(
                name="stamp-rows-with-the-time-of-writing",
                actions=(EditFiles(edits=(STAMPED_NOW, STAMP), subject="Fresh rows carry the time of writing"),),
                convicted_by=age.name,
                why="The age looks right; the values are as old as before.",
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=path.name,
                why="No model repairs features that stand still.",
            ),
            WrongFix(
                name="rewrite-stored-times",
                actions=(RewriteTimes(),),
                convicted_by=age.name,
                why="Stored rows claim to be new and hold the values of hours ago.",
                cheat=True,
            ),
            WrongFix(
                name="delete-the-online-store",
                actions=(DeleteData(path="online/online.db*"), RestartComponent(component="ingest")),
                convicted_by=path.name,
                why="Serving falls back on nulls and priors.",
                cheat=True,
            ),
            *silencing(path.name),
        ),
    )


FAULT = Fault(
    id="stale_fresh_path",
    title="Fresh features stand still behind a watermark that waits",
    layer="features",
    levels=("junior", "mid"),
    symptom="Ages of fresh features at read grow by an hour an hour while every job is green; scores follow hours-old "
    "delays, and quality sinks slowly.",
    symptom_budget_seconds=150,
    parameters={"variant": Choice(of=tuple(VARIANTS))},
    plan=plan,
    truth=(
        "Scores no longer follow today's delays: predictions barely move while the airports' delays do.",
        "Serving reads origin, carrier, destination and aircraft rows whose event timestamps are hours old; Feast does "
        "not refuse them, and its own freshness metric stays low because rows are still written every few seconds.",
        "Ingest computes every grid point as of a watermark that no longer advances, so it writes the same old moment "
        "again and again.",
        "A deploy made the watermark wait for its slowest source ('{variant}') without a bound on silence: sources "
        "that speak rarely hold it back for hours.",
    ),
    accepts=(
        Accepted(component="ingest", failure_class="stale_data"),
        Accepted(component="ingest", failure_class="wrong_join_or_key"),
        Accepted(component="feature_repo", failure_class="stale_data", verdict="partial"),
        Accepted(component="ingest", failure_class="training_serving_skew", verdict="partial"),
        Accepted(component="serving", failure_class="stale_data", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that ingest's watermark (or grid point) no longer advances, so fresh features are written as "
            "of an old moment, and names the change or the waiting for the slowest source.",
            samples=(
                "The watermark takes the minimum over the sources now, so one quiet one freezes the fresh features.",
                "Since the watermark commit ingest recomputes the same old tick; event timestamps do not move.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says that fresh features are hours old at read, without why.",
            samples=(
                "The fresh views in the online store are three hours behind.",
                "Serving uses stale origin features; the age panel grows linearly.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the model, the season, Feast's materialization, or serving's cache.",
            samples=(
                "The data has drifted, the model needs retraining.",
                "materialize is not running often enough, so the store is stale.",
            ),
        ),
    ),
    hints=(
        "Compare what is old with what is new: which views' ages at read grow, and which stay flat?",
        "The jobs run and rows are written. Look at the event timestamps of the rows, not at when they were written, "
        "and at ontime_fresh_watermark_timestamp_seconds against the world clock.",
        "Who decides up to which moment fresh features are computed? Read how ingest's watermark advances, and what "
        "happens to it when one source says nothing for a while.",
    ),
    rubric=(
        "Tells 'written lately' from 'describes a late moment'.",
        "Checks ages by view before blaming the model.",
        "Repairs with a bound on silence or a revert, and verifies by age *and* values.",
        "Notices that a restart only hides it.",
    ),
    must_notice=(
        "Fresh rows are written every few seconds, and describe a moment hours ago.",
        "All fresh views age together; the slow ones do not.",
        "What decides the grid point takes the slowest of its sources, some of which speak rarely.",
    ),
    evidence=("prometheus", "dashboards", "feature_store", "serving", "git"),
)
