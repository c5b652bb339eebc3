"""What a control is guarded by, and the alert that called: each both ways."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from brownout.probes import AlertFiring, AlertsHeard, StoredTablesWhole
from brownout.probes.alerts_heard import HERE, asleep
from brownout.settings import ROOT
from ontime.features import EVENT_TABLES
from ontime.runtime.tools import locate
from ontime.settings import Environment
from ontime.warehouse import Warehouse

RULES = ROOT / "monitoring" / "prometheus" / "rules"
SILENCE = {
    "id": "one",
    "status": {"state": "active"},
    "matchers": [{"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}],
}
FIRING = {"labels": {"alertname": "CalibrationOff"}, "state": "firing", "annotations": {"summary": "Late flights."}}


@pytest.fixture
def answers(stack: Any) -> Iterator[dict[str, Any]]:
    """What Prometheus and Alertmanager answer, by path; the view's addresses lead there."""
    told: dict[str, Any] = {"/api/v2/silences": [], "/api/v1/alerts": {"data": {"alerts": []}}}

    class Answer(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            body = json.dumps(told[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    here: Environment = stack.view.environment
    stack.view = stack.looking(
        environment=here.model_copy(update={"prometheus_url": url, "alertmanager_url": url, "state": here.state})
    )
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def deployed(stack: Any, answers: dict[str, Any]) -> Path:
    """The deployed release's rules, for a test to change."""
    rules = stack.view.environment.current / "monitoring" / "prometheus" / "rules"
    shutil.copytree(RULES, rules)
    return Path(rules)


@pytest.mark.parametrize(
    ("alerts", "status"),
    [
        ([], "ok"),
        ([FIRING], "broken"),
        ([{**FIRING, "state": "pending"}], "ok"),
        ([{**FIRING, "labels": {"alertname": "ScoresShifted"}}], "ok"),
    ],
)
def test_an_alert_is_a_symptom_while_it_fires(
    stack: Any, answers: dict[str, Any], alerts: list[dict[str, Any]], status: str
) -> None:
    answers["/api/v1/alerts"] = {"data": {"alerts": alerts}}

    assert AlertFiring(alert="CalibrationOff").run(stack.view).status == status


def test_a_prometheus_that_is_down_says_nothing(stack: Any) -> None:
    nowhere = stack.view.environment.model_copy(update={"prometheus_url": "http://127.0.0.1:9"})

    assert AlertFiring(alert="CalibrationOff").run(stack.looking(environment=nowhere)).status == "unknown"


needs_promtool = pytest.mark.skipif(locate("promtool") is None, reason="promtool comes with Prometheus")


def limit(rules: Path, new: str) -> None:
    path = rules / "quality.yml"
    old = "abs(max(ontime_quality_observed_expected_ln)) > 1.2"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, f"abs(max(ontime_quality_observed_expected_ln)) > {new}"))


@needs_promtool
@pytest.mark.parametrize("new", ["1.2", "0.25", "0.95"])
def test_another_limit_is_nobodys_harm(stack: Any, deployed: Path, new: str) -> None:
    limit(deployed, new)

    assert AlertsHeard().run(stack.view).status == "ok"


@needs_promtool
def test_a_rule_that_sleeps_through_what_it_is_for_is_named(stack: Any, deployed: Path) -> None:
    limit(deployed, "99")
    result = AlertsHeard().run(stack.view)

    assert (result.status, "CalibrationOff" in result.why) == ("broken", True)


@needs_promtool
def test_rules_that_are_gone_do_not_fire(deployed: Path) -> None:
    (deployed / "serving.yml").unlink()

    assert {"ServingDown", "BatchLatencyHigh"} <= set(asleep(deployed, HERE))


@needs_promtool
@pytest.mark.parametrize(("state", "status"), [("active", "broken"), ("expired", "ok"), ("pending", "ok")])
def test_a_silence_is_heard_of(stack: Any, deployed: Path, answers: dict[str, Any], state: str, status: str) -> None:
    answers["/api/v2/silences"] = [{**SILENCE, "status": {"state": state}}]

    assert AlertsHeard().run(stack.view).status == status


@needs_promtool
def test_an_alertmanager_that_is_down_says_nothing(stack: Any, deployed: Path) -> None:
    nowhere = stack.view.environment.model_copy(update={"alertmanager_url": "http://127.0.0.1:9"})

    assert AlertsHeard().run(stack.looking(environment=nowhere)).status == "unknown"


@pytest.fixture
def stored(stack: Any) -> Warehouse:
    """A warehouse that holds what upstream has sent so far."""
    from brownout.probes.truth import moment

    warehouse = Warehouse(stack.view.environment.warehouse)
    now = moment(stack.view.world_now)
    for table in EVENT_TABLES:
        rows: pa.Table = stack.truth.events(table, moment(0.0), now)
        if rows.num_rows:
            warehouse.write(table, rows)
    return warehouse


def test_a_warehouse_that_holds_everything_is_whole(stack: Any, stored: Warehouse) -> None:
    result = StoredTablesWhole().run(stack.view)

    assert (result.status, result.measured["stored_share"]) == ("ok", pytest.approx(1.0, abs=0.01))


@pytest.mark.parametrize("table", ["schedules", "arrivals"])
def test_a_day_that_is_gone_is_named(stack: Any, stored: Warehouse, table: str) -> None:
    stored.files(table)[1].unlink()
    result = StoredTablesWhole().run(stack.view)

    assert result.status == "broken"
    assert f"{table} of 2013-0" in result.why


def test_a_file_that_cannot_be_read_holds_nothing(stack: Any, stored: Warehouse) -> None:
    stored.files("arrivals")[1].write_bytes(b"torn")

    assert StoredTablesWhole().run(stack.view).status == "broken"


def test_a_few_missing_rows_are_no_harm(stack: Any, stored: Warehouse) -> None:
    stored.replace("arrivals", stored.read("arrivals").slice(2))

    assert StoredTablesWhole().run(stack.view).status == "ok"
