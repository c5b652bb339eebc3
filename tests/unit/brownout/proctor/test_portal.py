"""The portal's routes: who gets in, what another site's page may do, and what markup becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brownout import entries as e
from brownout.portal import stack_map
from brownout.proctor.app import create_app

Tell = Callable[..., Any]
TOKEN = "the-interviewers-token"
MARKUP = "<script>alert(1)</script>"
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "http://elsewhere.test"}


@pytest.fixture
def story(tell_story: Tell) -> Any:
    return tell_story().started()


@pytest.fixture
def client(story: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    part = {"id": "serving", "title": MARKUP, "state": "bad", "why": MARKUP, "facts": [{"label": MARKUP}]}
    monkeypatch.setattr(stack_map, "look", lambda _: stack_map.StackMap.model_validate({"parts": [part]}))
    return client_of(create_app(story.harness, TOKEN, lambda: None))  # type: ignore[arg-type, return-value]


@pytest.fixture
def code(story: Any) -> str:
    found: str = story.interview.grant_access().code
    return found


def bearer(text: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}", **more}


@pytest.mark.parametrize("headers", [{}, bearer("wrong"), bearer(TOKEN), {"Cookie": f"oncall={TOKEN}"}])
def test_without_the_code_there_is_a_door_and_nothing_behind_it(client: Any, headers: dict[str, str]) -> None:
    answer = client.get("/portal/", headers=headers)

    assert (answer.status_code, "Scores look odd." in answer.text) == (401, False)
    assert 'name="code"' in answer.text
    for path in ("/portal/stack", "/portal/said", "/candidate/text/everything"):
        assert client.get(path, headers=headers).status_code in (401, 403)


def test_the_code_opens_it_in_a_header_and_in_the_cookie(client: Any, code: str) -> None:
    for headers in (bearer(code), {"Cookie": f"oncall={code}"}):
        answer = client.get("/portal/", headers=headers)

        assert (answer.status_code, "Scores look odd." in answer.text) == (200, True)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert code not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/candidate/hints", None),
        ("POST", "/candidate/findings", {"component": "ingest", "failure_class": "stale_data", "text": "x"}),
        ("PUT", "/candidate/hand-over", {"text": "x"}),
    ],
)
def test_another_site_s_page_writes_nothing(
    client: Any, story: Any, code: str, method: str, path: str, body: Any
) -> None:
    before = len(story.ledger.entries())
    answer = client.request(method, path, headers=bearer(code, **ELSEWHERE), json=body)
    own = client.request(method, path, headers=bearer(code, **{"Sec-Fetch-Site": "same-origin"}), json=body)

    assert (answer.status_code, own.status_code < 300) == (403, True)
    assert len(story.ledger.entries()) == before + 1


def test_markup_is_text_wherever_it_comes_from(client: Any, story: Any, code: str) -> None:
    finding = {"component": "ingest", "failure_class": "stale_data", "text": MARKUP}
    client.post("/candidate/findings", headers=bearer(code), json={**finding, "evidence": MARKUP, "repair": MARKUP})
    client.request("PUT", "/candidate/hand-over", headers=bearer(code), json={"text": MARKUP})
    story.add(900, e.Hint(number=1, fault="stuck", text=MARKUP))
    told = "".join(client.get(f"/portal/{name}", headers=bearer(code)).text for name in ("", "stack", "said"))

    assert "<script>alert" not in told
    assert told.count("&lt;script&gt;alert") >= 10


@pytest.mark.parametrize("size", [8_001, 2**20])
def test_a_note_has_a_length(client: Any, code: str, size: int) -> None:
    answer = client.request("PUT", "/candidate/hand-over", headers=bearer(code), json={"text": "x" * size})

    assert answer.status_code == (413 if size > 65_536 else 422)


def test_a_later_hand_over_note_replaces_the_first_and_none_comes_after_the_close(
    client: Any, story: Any, code: str
) -> None:
    for text in ("first", "second"):
        client.request("PUT", "/candidate/hand-over", headers=bearer(code), json={"text": text})
    read = client.get("/candidate/hand-over", headers=bearer(code)).json()
    story.interview.add("interviewer", e.Closed(reason="time"))
    late = client.request("PUT", "/candidate/hand-over", headers=bearer(code), json={"text": "late"})

    assert (read["text"], late.status_code) == ("second", 409)


@pytest.mark.parametrize(
    ("prefix", "link"),
    [
        ("/oncall", 'href="/mlflow/#'),
        ("/user/ada/oncall", 'href="/user/ada/mlflow/#'),
        ("//elsewhere.test/oncall", 'href="http://127.0.0.1:7103/#'),
        ("/mlflow", 'href="http://127.0.0.1:7103/#'),
    ],
)
def test_links_lead_the_way_that_the_reader_came(client: Any, code: str, prefix: str, link: str) -> None:
    assert link in client.get("/portal/", headers=bearer(code, **{"X-ProxyContextPath": prefix})).text


@pytest.mark.parametrize("path", ["/portal/nothing", "/portal/static/../routes.py", "/portal/static/%2e%2e/view.py"])
def test_nothing_else_is_served(client: Any, code: str, path: str) -> None:
    assert client.get(path, headers=bearer(code)).status_code == 404
