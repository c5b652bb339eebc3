"""Lines of access logs: which are a person's, and how a log is followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brownout.evidence.access_logs import AccessLog, airflow, mlflow, way_in
from brownout.evidence.seen import Seen

MLFLOW = '2026/11/21 11:51:17 INFO:     127.0.0.1:50958 - "{} HTTP/1.1" 200 OK'
AIRFLOW = "2026-11-21T11:51:04Z [info     ] request finished   [http.access] client_addr=127.0.0.1:5 method=GET path={}"


@pytest.mark.parametrize(
    ("read", "line", "source"),
    [
        (way_in, "asked GET /mlflow/ajax-api/2.0/mlflow/runs/search", "mlflow"),
        (way_in, "asked GET /airflow/ui/dags", "airflow"),
        (way_in, "asked GET /dashboards/", "dashboards"),
        (way_in, "asked GET /dashboards/reports/2013-05-06T091638", "reports"),
        (way_in, "asked GET /alertmanager/", "prometheus"),
        (way_in, "asked POST /serving/predict", "serving"),
        (way_in, "asked GET /desk/", None),
        (way_in, "[I 2026-11-21 ServerApp] asked GET /mlflow/", None),
        (mlflow, MLFLOW.format("GET /"), "mlflow"),
        (mlflow, MLFLOW.format("POST /ajax-api/2.0/mlflow/runs/search"), "mlflow"),
        (mlflow, MLFLOW.format("GET /static-files/static/js/main.js"), "mlflow"),
        (mlflow, MLFLOW.format("POST /api/2.0/mlflow/runs/search"), "mlflow"),
        (mlflow, MLFLOW.format("GET /api/2.0/mlflow/registered-models/get?name=ontime-delay"), None),
        (mlflow, MLFLOW.format("GET /api/2.0/mlflow/model-versions/search?filter=x"), None),
        (mlflow, MLFLOW.format("POST /api/2.0/mlflow/runs/create"), None),
        (mlflow, MLFLOW.format("GET /model-versions/get-artifact?name=m"), None),
        (mlflow, MLFLOW.format("GET /version"), None),
        (airflow, AIRFLOW.format("/airflow/ui/dags?limit=5"), "airflow"),
        (airflow, AIRFLOW.format("/airflow/"), "airflow"),
        (airflow, AIRFLOW.format("/airflow/api/v2/dags/train_model/dagRuns/x/taskInstances"), "airflow"),
        (airflow, AIRFLOW.format("/airflow/api/v2/monitor/health"), None),
        (airflow, AIRFLOW.format("/airflow/api/v2/dags/train_model/dagRuns"), None),
        (airflow, AIRFLOW.format("/airflow/api/v2/dags/train_model/dagRuns/manual__1"), None),
        (airflow, AIRFLOW.format("/airflow/api/v2/dags?limit=100"), None),
        (airflow, AIRFLOW.format("/airflow/execution/task-instances/1/heartbeat"), None),
    ],
)
def test_only_what_a_person_alone_asks_is_a_look(
    read: Callable[[str], str | None], line: str, source: str | None
) -> None:
    assert read(line) == source


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.log"
    path.write_text(MLFLOW.format("GET /") + "\n")
    return path


def told(followed: AccessLog) -> list[Seen]:
    return list(followed.look())


def add(log: Path, text: str) -> None:
    with log.open("a") as out:
        out.write(text)


def test_what_stood_there_before_is_no_look(log: Path) -> None:
    followed = AccessLog(log, mlflow, "opened")

    assert told(followed) == []
    followed.stop()


def test_lines_count_once_and_half_a_line_waits(log: Path) -> None:
    followed, line = AccessLog(log, mlflow, "opened"), MLFLOW.format("GET /")
    add(log, f"{line}\n{line}\n{line[:30]}")
    first = told(followed)
    add(log, f"{line[30:]}\n")

    assert first == [Seen("mlflow", "opened", 2)]
    assert told(followed) == [Seen("mlflow", "opened", 1)]
    assert told(followed) == []
    followed.stop()


def test_a_rotated_log_is_followed(log: Path) -> None:
    followed = AccessLog(log, mlflow, "opened")
    log.rename(log.with_suffix(".1"))
    add(log, MLFLOW.format("GET /") + "\n")

    assert told(followed) == [Seen("mlflow", "opened", 1)]
    followed.stop()


def test_a_log_that_is_not_there_yet_is_read_when_it_is(tmp_path: Path) -> None:
    followed = AccessLog(tmp_path / "way-in.log", way_in, "opened")
    nothing = told(followed)
    add(tmp_path / "way-in.log", "asked GET /mlflow/\n")

    assert nothing == []
    assert told(followed) == [Seen("mlflow", "opened", 1)]
    followed.stop()
