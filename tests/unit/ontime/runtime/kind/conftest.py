"""docker, kind and kubectl that answer what a test says and write down what they were asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ontime.settings import Environment

ANSWERING = """#!{python}
import json, sys
from pathlib import Path
place = Path({place!r})
asked = [{name!r}, *sys.argv[1:]]
given = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
with (place / "asked.jsonl").open("a") as file:
    file.write(json.dumps({{"asked": asked, "given": given}}) + "\\n")
rules = json.loads((place / "rules.json").read_text())
for rule in rules:
    words = rule["when"]
    if all(word in asked for word in words):
        if rule["times"] == 0:
            continue
        if rule["times"] is not None:
            rule["times"] -= 1
            (place / "rules.json").write_text(json.dumps(rules))
        sys.stdout.write(rule["says"])
        sys.stderr.write(rule["complains"])
        sys.exit(rule["code"])
"""


class Programs:
    """Stand-ins on PATH. The first rule whose words all occur in the command answers; without one, silence and 0."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._rules: list[dict[str, Any]] = []
        for name in ("docker", "kind", "kubectl"):
            self.install(name)
        self._write()

    @property
    def directory(self) -> Path:
        return self._place / "bin"

    def install(self, name: str) -> None:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(ANSWERING.format(python=sys.executable, place=str(self._place), name=name))
        path.chmod(0o755)

    def remove(self, name: str) -> None:
        (self.directory / name).unlink()

    def when(
        self, *words: str, says: object = "", complains: str = "", code: int = 0, times: int | None = None
    ) -> None:
        """Later rules win over earlier ones."""
        text = says if isinstance(says, str) else json.dumps(says)
        self._rules = json.loads((self._place / "rules.json").read_text())
        self._rules.insert(0, {"when": words, "says": text, "complains": complains, "code": code, "times": times})
        self._write()

    def _write(self) -> None:
        (self._place / "rules.json").write_text(json.dumps(self._rules))

    def asked(self, *words: str) -> list[list[str]]:
        """The commands so far that hold all words."""
        try:
            lines = (self._place / "asked.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        commands = [json.loads(line)["asked"] for line in lines]
        return [command for command in commands if all(word in command for word in words)]

    def given(self, *words: str) -> list[str]:
        """What such commands were given on standard input."""
        lines = [json.loads(line) for line in (self._place / "asked.jsonl").read_text().splitlines()]
        return [line["given"] for line in lines if all(word in line["asked"] for word in words)]


class Told:
    """A reporter that keeps everything."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def doing(self, name: str, state: str) -> None:
        self.lines.append(f"{name}: {state}")

    def done(self, name: str, state: str) -> None:
        self.lines.append(f"{name}: {state}")


VARIABLES = (
    "DOCKER_HOST",
    "KUBECONFIG",
    "KIND_CONFIG",
    "KIND_CONFIG_MODE",
    "KIND_NODE_IMAGE",
    "KUBERNETES_SERVICE_HOST",
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """All three in good order, and no cluster."""
    place = tmp_path / "programs"
    place.mkdir()
    found = Programs(place)
    monkeypatch.setenv("PATH", f"{found.directory}{os.pathsep}/usr/bin{os.pathsep}/bin")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    found.when("docker", "version", says="28.2.2")
    found.when("docker", "info", says={"ServerVersion": "28.2.2", "MemTotal": 16 * 2**30})
    found.when("kind", "version", says="0.30.0")
    found.when("kubectl", "version", says={"clientVersion": {"gitVersion": "v1.36.0"}})
    return found


@pytest.fixture
def here(tmp_path: Path) -> Environment:
    return Environment(state=tmp_path / "state", runtime="kind")


@pytest.fixture
def told() -> Told:
    return Told()


def node_listing(*pairs: Sequence[str]) -> str:
    """What `docker ps` says of node containers: name and id each."""
    return "".join(f"{name} {number}\n" for name, number in pairs)
