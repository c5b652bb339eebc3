from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from brownout import entries as e
from brownout.errors import LifecycleError
from brownout.proctor.app import create_app
from brownout.proctor.limits import MAX_BODY_BYTES

Tell = Callable[..., Any]
TOKEN = "the-interviewers-token"
MINE = {"Authorization": f"Bearer {TOKEN}"}
FINDING = {"component": "ingest", "failure_class": "stale_data", "text": "it stands still"}

DOCUMENTED = [content_type_conformance, response_schema_conformance, status_code_conformance]
CALM = settings(max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


class FakeLifecycle:
    """Moves the ledger and no stack."""

    def start(self, interview: Any) -> None:
        interview.advance("interviewer", "start", e.Started(brief="b"), "ready")

    def pause(self, interview: Any, reason: str, lost: bool) -> None:
        interview.advance("interviewer", "pause", e.Paused(reason=reason, lost=lost), "running")

    def resume(self, interview: Any) -> None:
        interview.advance("interviewer", "resume", e.Resumed(), "paused")

    def close(self, interview: Any, reason: str, watch: bool) -> None:
        closed = e.Closed(reason=reason, watch_seconds=600 if watch else 0)
        interview.advance("interviewer", "close", closed, "running", "paused")


@pytest.fixture
def story(tell_story: Tell) -> Any:
    return tell_story(candidate="<b>kestrel</b>").started()


@pytest.fixture
def client(story: Any, client_of: Any) -> Any:
    return client_of(create_app(story.harness, TOKEN, FakeLifecycle))  # type: ignore[arg-type]


@pytest.fixture
def code(story: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {story.interview.grant_access().code}"}


def paths(client: Any) -> list[tuple[str, str]]:
    described = client.get("/openapi.json", headers=MINE).json()["paths"]
    return [(method.upper(), path) for path, item in described.items() for method in item]


def test_nothing_opens_without_a_token(client: Any) -> None:
    for method, path in paths(client):
        if path == "/healthz":
            continue
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
            answer = client.request(method, path.replace("{interview_id}", "current"), headers=headers, json={})
            assert (path, answer.status_code) == (path, 401)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_the_candidates_code_opens_no_route_of_the_interviewer(client: Any, code: dict[str, str]) -> None:
    for method, path in paths(client):
        if not path.startswith("/interviews"):
            continue
        answer = client.request(method, path.replace("{interview_id}", "current"), headers=code, json={})
        assert (path, answer.status_code) == (path, 403)
    assert client.get("/openapi.json", headers=code).status_code == 403


def test_the_interviewers_token_is_not_the_candidates(client: Any) -> None:
    assert client.get("/candidate/interview", headers=MINE).status_code == 403


def test_an_expired_code_opens_nothing(client: Any, story: Any, code: dict[str, str]) -> None:
    story.interview.end_access()

    assert client.get("/candidate/interview", headers=code).status_code == 401


def test_a_candidate_states_findings_without_seeing_verdicts(client: Any, story: Any, code: dict[str, str]) -> None:
    posted = client.post("/candidate/findings", headers=code, json=FINDING)
    during = client.get("/candidate/findings", headers=code).json()
    story.interview.add("interviewer", e.Closed(reason="time"))
    after = client.get("/candidate/findings", headers=code).json()

    assert posted.status_code == 201
    assert (during[0]["verdict"], during[0]["reason"]) == (None, None)
    assert after[0]["verdict"] == "confirmed"
    assert story.ledger.entries()[-2].actor == "candidate"


def test_nothing_that_the_candidate_reads_names_what_is_broken(client: Any, story: Any, code: dict[str, str]) -> None:
    client.post("/candidate/findings", headers=code, json=FINDING)
    client.post("/candidate/hints", headers=code)
    read = "".join(
        client.get(path, headers=code).text
        for method, path in paths(client)
        if method == "GET" and path.startswith("/candidate")
    )

    for secret in ("stuck", "Fresh features stand still", "FreshAge", "confirmed", "junior-01", "seed"):
        assert secret not in read


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"component": "ingets"}, "Did you mean ingest"),
        ({"failure_class": "stale"}, "stale_data"),
        ({"component": "none"}, "stated together"),
        ({"text": "   "}, "text"),
        ({"text": "x" * 9000}, "8000"),
        ({"certainty": "sure"}, "certainty"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_bad_finding_is_refused_with_the_reason(
    client: Any, code: dict[str, str], change: dict[str, Any], says: str
) -> None:
    answer = client.post("/candidate/findings", headers=code, json={**FINDING, **change})

    assert answer.status_code == 422
    assert says in answer.text


def test_a_megabyte_is_refused(client: Any, code: dict[str, str]) -> None:
    answer = client.post("/candidate/findings", headers=code, json={**FINDING, "text": "x" * 2**20})

    assert (answer.status_code, str(MAX_BODY_BYTES) in answer.text) == (413, True)


def test_an_interviewer_conducts_a_whole_interview(client: Any, story: Any) -> None:
    def post(path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        answer = client.request(method, f"/interviews/current/{path}", headers=MINE, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    post("pause", {"reason": "fire drill", "lost": True})
    post("resume")
    post("findings", FINDING)
    post("findings/1/verdict", {"verdict": "partial", "reason": "half"}, "PUT")
    seq = post("notes", {"text": "hm"})["seq"]
    post("undo", {"seq": seq, "reason": "slip"})
    assert post("hints")["text"] == "Look at the ages."
    post("ratings", {"rater": "ann", "dimension": "repair", "score": 4})
    facts = post("close", {"watch": False})["facts"]

    assert facts["state"] == "closed"
    assert facts["findings"][0]["verdict"] == "partial"
    assert (story.folder / "scorecard.html").exists()
    for form, kind in (("html", "text/html"), ("json", "application/json"), ("md", "text/markdown")):
        card = client.get(f"/interviews/{story.id}/scorecard", params={"form": form}, headers=MINE)
        assert card.headers["content-type"].startswith(kind)
        assert "<b>kestrel" not in card.text or form == "json"
    assert client.get("/interviews", headers=MINE).json()[0]["interview"] == story.id
    entries = client.get("/interviews/current/entries", params={"after": 3}, headers=MINE).json()
    assert entries[0]["seq"] == 4


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/interviews/nobody", None, 404),
        ("PUT", "/interviews/current/findings/9/verdict", {"verdict": "partial", "reason": "r"}, 404),
        ("PUT", "/interviews/current/findings/0/verdict", {"verdict": "partial", "reason": "r"}, 422),
        (
            "PUT",
            "/interviews/current/findings/99999999999999999999/verdict",
            {"verdict": "partial", "reason": "r"},
            422,
        ),
        ("POST", "/interviews/current/resume", None, 409),
        ("POST", "/interviews/current/start", None, 409),
        ("POST", "/interviews/current/undo", {"seq": 1, "reason": "r"}, 409),
        ("POST", "/interviews/current/ratings", {"rater": "a", "dimension": "repare", "score": 3}, 422),
        ("GET", "/nothing", None, 404),
    ],
)
def test_refusals_have_the_right_code(client: Any, method: str, path: str, body: Any, code: int) -> None:
    answer = client.request(method, path, headers=MINE, json=body)

    assert answer.status_code == code
    assert answer.json().keys() <= {"error", "errors"}


def test_without_an_interview_current_is_a_conflict(client: Any, story: Any) -> None:
    (story.harness.interviews / "current").unlink()

    answer = client.get("/interviews/current", headers=MINE)

    assert (answer.status_code, "brownout interview" in answer.json()["error"]) == (409, True)


def test_a_busy_stage_is_a_conflict(story: Any, client_of: Any) -> None:
    def busy() -> Any:
        raise LifecycleError("busy")

    client = client_of(create_app(story.harness, TOKEN, busy))

    assert client.post("/interviews/current/resume", headers=MINE).status_code == 409


def test_any_request_that_the_document_allows_and_many_that_it_does_not_get_no_5xx(story: Any) -> None:
    app = create_app(story.harness, TOKEN, FakeLifecycle)  # type: ignore[arg-type]
    code = {"Authorization": f"Bearer {story.interview.grant_access().code}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=MINE)
    answered: set[int] = set()

    def ask(case: Any, headers: dict[str, str]) -> None:
        answer = case.call(headers=headers)
        answered.add(answer.status_code)
        case.validate_response(answer, checks=[not_a_server_error, *DOCUMENTED])

    for found in schema.get_all_operations():
        operation = found.ok()
        headers = code if operation.path.startswith("/candidate") else MINE
        for mode in GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)
            with suppress(Unsatisfiable):  # an operation without parameters has no negative case
                CALM(given(case=cases, headers=st.just(headers))(ask))()

    assert max(answered) < 500
    assert {200, 422} <= answered
