"""The candidate's command, as it is installed: a copy that runs with the standard library alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from brownout.entrance import ONCALL

Run = Callable[..., subprocess.CompletedProcess[str]]
asked: list[tuple[str, str, str, object]] = []


class Proctor(BaseHTTPRequestHandler):
    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = json.loads(body) if body else None
        asked.append((self.command, self.path, self.headers["Authorization"], given))
        code, text = 200, "as text\n"
        if self.path.endswith("/findings") and self.command == "POST":
            code, text = (422, '{"error": "Unknown component."}') if given["component"] == "x" else (201, STATED)
        if self.path.endswith("/hints"):
            code, text = 201, '{"number": 2, "text": "Look."}'
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, *_: object) -> None: ...


STATED = '{"certainty": "suspicion", "number": 3}'


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    server = HTTPServer(("127.0.0.1", 0), Proctor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = tmp_path / "oncall.json"
    place.write_text(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", "code": "mine"}))
    asked.clear()

    def command(*given: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-IS", str(ONCALL), *given],
            env={"PATH": os.environ["PATH"], "ONCALL": str(place), **variables},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    yield command
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("given", "path"), [((), "everything"), (("stack",), "stack"), (("hand-over",), "hand-over"), (("words",), "words")]
)
def test_everything_is_shown_as_text(run: Run, given: tuple[str, ...], path: str) -> None:
    assert run(*given).stdout == "as text\n"
    assert asked == [("GET", f"/candidate/text/{path}", "Bearer mine", None)]


def test_findings_hints_and_notes_are_sent(run: Run) -> None:
    said = run("finding", "ingest", "stale_data", "it stands", "--suspicion", "--evidence", "seen").stdout
    hint = run("hint", "--yes").stdout
    run("hand-over", "-", stdin="the last word")

    assert (said, hint) == ("Written down as suspicion 3.\n", "Hint 2: Look.\n")
    finding = {"component": "ingest", "failure_class": "stale_data", "text": "it stands", "certainty": "suspicion"}
    assert asked[0][3] == {**finding, "evidence": "seen", "repair": ""}
    assert asked[2][:2] + asked[2][3:] == ("PUT", "/candidate/hand-over", {"text": "the last word"})


def test_a_hint_is_asked_for_twice(run: Run) -> None:
    assert "cannot be given back" in run("hint", stdin="n\n").stdout
    assert [method for method, *_ in asked] == ["GET"]


def test_refusals_are_said(run: Run) -> None:
    wrong = run("finding", "x", "stale_data", "text")
    lost = run("page", ONCALL="/nowhere")

    assert (wrong.returncode, wrong.stderr) == (1, "error: Unknown component.\n")
    assert (lost.returncode, "readable file" in lost.stderr) == (1, True)
