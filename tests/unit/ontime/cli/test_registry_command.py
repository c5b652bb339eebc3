from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from ontime import gates
from ontime.cli import registry as command
from ontime.errors import UnknownNameError
from ontime.gates import GateResult
from ontime.registry import ModelVersion, promotion
from tests.unit.ontime.frames import version

PASSED = GateResult("rows", True, 25_000, 20_000, "flights", "Enough.")
REFUSED = GateResult("latency", False, 157.5, 8.0, "x reference", "Batch of 120: 63.00 ms, reference 0.40 ms.")


class Registry:
    """Two versions, the older one champion; refused once."""

    known = (
        version(3),
        replace(version(2, gates=gates.to_json([PASSED, REFUSED]), note="older"), aliases=("champion",)),
    )

    def __init__(self, url: str) -> None: ...

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None: ...

    def versions(self) -> list[ModelVersion]:
        return list(self.known)

    def version(self, number: int) -> ModelVersion:
        for found in self.known:
            if found.version == number:
                return found
        raise UnknownNameError.of("model version", str(number), ["3", "2"])


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ontime.registry.RegistryReader", Registry)


def run(*arguments: str) -> tuple[int, Any]:
    result = CliRunner().invoke(command.app, [*arguments, "--json"], catch_exceptions=True)
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout)


def test_versions_are_listed_with_aliases_and_tags() -> None:
    code, rows = run("list")

    assert code == 0
    assert [(row["version"], row["aliases"]) for row in rows] == [(3, []), (2, ["champion"])]
    assert rows[0]["trained_through"] == "2013-04-21"


def test_a_version_shows_the_verdicts_of_its_last_attempt() -> None:
    _, body = run("show", "2")

    assert body["note"] == "older"
    assert [(row["gate"], row["passed"]) for row in body["gates"]] == [("rows", True), ("latency", False)]


def test_an_unknown_version_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Known: 2, 3"):
        run("show", "9")


@pytest.mark.parametrize(("results", "code"), [([PASSED], 0), ([PASSED, REFUSED], 3)])
def test_a_check_answers_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, results: list[GateResult], code: int
) -> None:
    monkeypatch.setattr(gates, "check_version", lambda *_, **__: results)

    assert run("check", "3") == (
        code,
        {"version": 3, "passed": code == 0, "gates": json.loads(gates.to_json(results))},
    )


def test_a_check_asks_the_gates_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(gates, "check_version", lambda *_, only, **__: asked.append(list(only)) or [PASSED])

    run("check", "3", "--gate", "rows", "--gate", "latency")
    run("check", "3")

    assert asked == [["rows", "latency"], list(gates.GATES)]


def test_a_rollback_says_who_is_champion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "rollback", lambda _: 2)

    assert run("rollback") == (0, {"champion": 2})


def test_tables_are_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "check_version", lambda *_, **__: [PASSED, REFUSED])

    for arguments in (["list"], ["show", "2"], ["check", "3"]):
        assert CliRunner().invoke(command.app, arguments).stdout.strip()
