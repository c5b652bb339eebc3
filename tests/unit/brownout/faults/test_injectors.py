"""What an injection does to a component, as far as it needs no stack."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.errors import PreparationError
from brownout.faults.injectors import MemoryLimited
from brownout.kind import memory, templates
from ontime.settings import Environment

MIB = 2**20


@pytest.fixture
def context(tmp_path: Path) -> Any:
    return SimpleNamespace(environment=Environment(state=tmp_path))


def test_memory_is_limited_to_what_the_greediest_pod_uses_and_what_is_to_spare(
    monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(memory, "used", lambda *_: {"a": 200 * MIB, "b": 260 * MIB + 5})
    monkeypatch.setattr(templates, "merge", lambda _, *rest: told.append(rest))

    MemoryLimited(component="serving", spare_mib=20).apply(context)

    ((component, fields),) = told
    assert component == "serving"
    assert fields["resources"] == {"limits": {"memory": "280Mi"}, "requests": {"memory": "280Mi"}}


def test_without_a_pod_that_runs_nobody_knows_what_to_limit_it_to(
    monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    monkeypatch.setattr(memory, "used", lambda *_: {})

    with pytest.raises(PreparationError, match="No pod of serving is ready"):
        MemoryLimited(component="serving", spare_mib=20).apply(context)
