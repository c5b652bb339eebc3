"""What runs in pods besides components: preparing, being asked whether ready, and the executor's template."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ontime.errors import RuntimeStateError
from ontime.runtime import airflow_settings, components, pod_template, preparation, prepare, ready, release, workstation
from ontime.runtime.process_environment import clean
from ontime.runtime.readiness import READY, Readiness
from ontime.settings import Environment

DATABASE = "postgresql+psycopg://ontime@postgres:5432/mlflow"


def tree(place: Path) -> Path:
    (place / "platform" / "__pycache__").mkdir(parents=True)
    (place / "platform" / "code.py").write_text("x = 1\n")
    (place / "platform" / "__pycache__" / "code.pyc").write_text("")
    return place


def deployed(here: Environment) -> Path:
    """A release that a commit was exported to, and that is current."""
    place = tree(here.releases / "deployed")
    (place / "REVISION").write_text(json.dumps({"sha": "deployed", "subject": "A change"}))
    release.point_current_at(here, place)
    return place


def test_an_empty_volume_gets_the_release_of_the_image(tmp_path: Path) -> None:
    here = Environment(state=tmp_path / "state")
    here.releases.mkdir(parents=True)
    image = tree(tmp_path / "opt" / "releases" / "abc123")

    found = prepare.furnish(here, image)

    assert found.resolve() == release.current(here)
    assert found.name == "abc123"
    assert (here.current / "platform" / "code.py").read_text() == "x = 1\n"
    assert not (here.current / "platform" / "__pycache__").exists()


def test_a_commit_that_is_deployed_stays_so_whatever_image_comes(tmp_path: Path) -> None:
    here = Environment(state=tmp_path / "state")
    deployed(here)

    assert prepare.furnish(here, tree(tmp_path / "image")).name == "deployed"


def test_the_release_of_an_earlier_image_gives_way_to_the_next_ones(tmp_path: Path) -> None:
    here = Environment(state=tmp_path / "state")
    here.releases.mkdir(parents=True)
    earlier, later = (tree(tmp_path / name / "releases" / name) for name in ("earlier", "later"))
    (later / "platform" / "code.py").write_text("x = 2\n")

    for image in (earlier, later, later):
        prepare.furnish(here, image)

    assert (here.current / "platform" / "code.py").read_text() == "x = 2\n"


def test_what_comes_before_a_component_runs_out_of_the_current_release(tmp_path: Path, monkeypatch) -> None:
    here = Environment(state=tmp_path / "state")
    deployed(here)
    ran: list[tuple[str, str]] = []
    steps = [
        preparation.Preparation(name, lambda _, root, name=name: ran.append((name, root.name)), (before,))
        for name, before in (("one", "serving"), ("two", "mlflow"))
    ]
    monkeypatch.setattr(prepare, "PREPARATIONS", steps)
    monkeypatch.setattr(prepare, "environment", lambda: here)

    prepare.main("serving")

    assert ran == [("one", "deployed")]


@pytest.mark.parametrize(
    ("arguments", "found", "code"),
    [
        (["serving"], READY, 0),
        (["serving"], Readiness(False, "no model"), 1),
        (["--alive", "serving"], Readiness(False, "no heartbeat"), 1),
        (["--alive", "serving"], Readiness(False, "cannot be judged: airflow-api-server does not answer"), 0),
    ],
)
def test_a_liveness_probe_gives_the_benefit_of_the_doubt(monkeypatch, arguments, found: Readiness, code: int) -> None:
    monkeypatch.setattr(ready, "chosen", lambda _: [SimpleNamespace(ready=lambda *_: found)])

    assert ready.main(arguments) == code


def test_the_executors_pod_is_the_deployments_and_ends(tmp_path: Path) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "base", "image": "x:1"}]}}

    pod = pod_template.pod_of({"metadata": {"name": "airflow-task"}, "spec": {"template": template}})

    assert pod["kind"] == "Pod"
    assert pod["spec"] == {"containers": [{"name": "base", "image": "x:1"}], "restartPolicy": "Never"}
    assert pod["metadata"]["labels"] == {"a": "b"}


def test_databases_elsewhere_are_used_by_configuration_alone(tmp_path: Path) -> None:
    here = Environment(
        state=tmp_path, runtime="kind", mlflow_database=DATABASE, airflow_database=DATABASE, artifacts_url="s3://b/m"
    )
    command = components.mlflow(here)
    variables = airflow_settings.variables(here)

    assert command[command.index("--backend-store-uri") + 1] == DATABASE
    assert command[command.index("--artifacts-destination") + 1] == "s3://b/m"
    assert variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == DATABASE
    assert variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] == DATABASE
    assert variables["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "True"


def test_mlflow_lets_in_who_asks_it_by_its_services_name(tmp_path: Path) -> None:
    command = components.mlflow(Environment(state=tmp_path, mlflow_url="http://mlflow:7103"))

    assert "mlflow:7103" in command[command.index("--allowed-hosts") + 1].split(",")


def test_the_executor_is_told_its_pods_template(tmp_path: Path) -> None:
    here = Environment(
        state=tmp_path, airflow_executor="KubernetesExecutor", pod_template=tmp_path / "pod.yaml", namespace="second"
    )
    variables = airflow_settings.variables(here)

    assert variables["AIRFLOW__CORE__EXECUTOR"] == "KubernetesExecutor"
    assert variables["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"] == str(tmp_path / "pod.yaml")
    assert variables["AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE"] == "second"


def test_a_databases_secret_reaches_components_and_no_setting(tmp_path: Path) -> None:
    assert clean({"PGPASSWORD": "p", "OTHER": "x"}, tmp_path)["PGPASSWORD"] == "p"
    assert not [name for name in Environment.model_fields if "password" in name]


def test_a_database_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "DATABASE_SECONDS", 0.0)

    with pytest.raises(RuntimeStateError, match=r"127\.0\.0\.1:1 did not answer"):
        preparation.database_answers("postgresql+psycopg://ontime@127.0.0.1:1/mlflow")


class Answering:
    """A server that says `word` to whoever connects."""

    def __init__(self, word: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._word = word
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def __enter__(self) -> Answering:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(5)

    def _answer(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        with connection:
            connection.recv(8)
            connection.sendall(self._word)


def test_a_forwarder_is_not_taken_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "DATABASE_SECONDS", 0.0)
    with Answering(b"") as forwarder, pytest.raises(RuntimeStateError, match="did not answer"):
        preparation.database_answers(f"postgresql+psycopg://ontime@127.0.0.1:{forwarder.port}/mlflow")


def test_a_database_that_speaks_its_protocol_answers() -> None:
    with Answering(b"N") as postgres:
        preparation.database_answers(f"postgresql+psycopg://ontime@127.0.0.1:{postgres.port}/mlflow")


def test_the_workstation_finds_everything_at_its_own_machine() -> None:
    here = Environment(
        serving_url="http://serving:7102", airflow_url="http://airflow-api-server:7104", redis_url="redis:6379"
    )
    moved = workstation.nearby(here)

    assert (moved.serving_url, moved.airflow_url) == ("http://127.0.0.1:7102", "http://127.0.0.1:7104")
    assert moved.redis_url == "redis:6379"


def test_its_shells_have_what_whoever_opened_it_put_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/oncall")
    found = workstation.surroundings(
        Environment(state=tmp_path, prometheus_url="http://prometheus:7105/prometheus", host="0.0.0.0")  # noqa: S104
    )

    assert found["PATH"].split(":")[:2] == [str(tmp_path / "lab" / "bin"), str(tmp_path / "bin")]
    assert found["ONCALL"] == str(tmp_path / "lab" / "oncall.json")
    assert found["JUPYTER_CONFIG_DIR"] == str(tmp_path / "lab" / "config")
    assert found["ONTIME_PROMETHEUS_URL"] == "http://127.0.0.1:7105/prometheus"


def test_every_serving_pod_is_scraped_by_itself(tmp_path: Path) -> None:
    import yaml

    from monitoring.prometheus.render import render

    def serving(here: Environment) -> dict[str, Any]:
        return next(job for job in yaml.safe_load(render(here))["scrape_configs"] if job["job_name"] == "serving")

    alone = serving(Environment(state=tmp_path))
    many = serving(Environment(state=tmp_path, serving_url="http://serving:7102", serving_pods="serving-pods"))

    assert alone["static_configs"] == [{"targets": ["127.0.0.1:7102"]}]
    assert many["dns_sd_configs"] == [{"names": ["serving-pods"], "type": "A", "port": 7102}]
    assert "static_configs" not in many
