"""Nobody enters without the token, nothing is changed from elsewhere, and no path or id does more than be refused."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from brownout.console.doors import COOKIE, RATER_COOKIE, Doors, Seal, local

OPEN = {"/healthz", "/enter", "/rate/enter"}
PUT_IN = {
    "{interview_id}": "current",
    "{scenario_id}": "junior-01",
    "{number}": "1",
    "{key}": "stuck-FreshAge-age",
}


def routes(app: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def walk(these: Any) -> None:
        for route in these:
            if isinstance(route, APIRoute):
                found.extend((method, filled(route.path)) for method in route.methods)
            else:
                original = getattr(route, "original_router", None)
                if original is not None:
                    walk(original.routes)

    walk(app.routes)
    return found


def filled(path: str) -> str:
    for name, value in PUT_IN.items():
        path = path.replace(name, value)
    return path


def test_the_routes_are_found(app: Any) -> None:
    assert ("POST", "/interviews/current/close") in routes(app)
    assert len(routes(app)) > 25


def test_nothing_opens_without_a_token(app: Any, stranger: Any, story: Any, doors: Doors) -> None:
    code = story.interview.grant_access().code
    wrong: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": f"Bearer {code}"},
        {"Cookie": f"{COOKIE}={code}; {RATER_COOKIE}={code}"},
        {"Cookie": f"{COOKIE}=the-interviewers-token; oncall={code}"},
        {"Cookie": f"{COOKIE}={doors.seal(Seal('interviewer'), lives=-1)}"},
        {"Cookie": f"{COOKIE}={doors.seal(Seal('interviewer'))[:-1]}x"},
        {"Cookie": f"{COOKIE}={Doors('another token', doors.origin).seal(Seal('interviewer'))}"},
    ]
    before = story.ledger.head()

    for method, path in routes(app):
        if path in OPEN:
            continue
        for headers in wrong:
            answer = stranger.request(method, path, headers={**headers, "Accept": "application/json"})
            assert (method, path, headers, answer.status_code) == (method, path, headers, 401)
    assert story.ledger.head() == before


def test_a_browser_without_a_cookie_is_sent_to_the_door_and_back(stranger: Any) -> None:
    answer = stranger.get("/interviews/current/live?x=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/enter?next=/interviews/current/live%3Fx%3D1")


def test_a_raters_link_opens_the_rating_page_alone(app: Any, second: Any, doors: Doors, story: Any) -> None:
    both = Seal("rater", story.id, "ben")
    second.cookies[COOKIE] = doors.seal(both)

    for method, path in routes(app):
        if path not in OPEN and not path.startswith("/rate"):
            answer = second.request(method, path, headers={"Accept": "application/json"})
            assert (path, answer.status_code) == (path, 403)
    assert second.get("/rate").status_code == 200


def test_the_interviewers_cookie_is_no_raters(browser: Any) -> None:
    browser.cookies[RATER_COOKIE] = browser.cookies[COOKIE]

    assert browser.get("/rate", headers={"Accept": "application/json"}).status_code == 401


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(stranger: Any) -> None:
    answer = stranger.post("/enter", {"token": "the-interviewers-token", "next": "/history"})
    cookie = answer.headers["set-cookie"].lower()

    assert answer.json() == {"go": "/history"}
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert "the-interviewers-token" not in cookie


def test_over_https_the_cookie_stays_on_https() -> None:
    assert Doors("token", "https://console.example").secure


@pytest.mark.parametrize("token", ["", "nonsense", "the-interviewers-token ", "x" * 60_000, "<b>"])
def test_a_wrong_token_opens_nothing(stranger: Any, token: str) -> None:
    answer = stranger.post("/enter", {"token": token})

    assert answer.status_code == (200 if token.strip() == "the-interviewers-token" else 401)
    assert "set-cookie" not in answer.headers or answer.status_code == 200


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/history", "/history"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("/a\nb", "/"),
        (None, "/"),
    ],
)
def test_after_the_door_one_stays_on_the_console(wanted: str | None, goes: str) -> None:
    assert local(wanted) == goes


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:7204"},
        {"Origin": "null"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://testserver.elsewhere.example"},
    ],
)
def test_a_post_from_elsewhere_changes_nothing(app: Any, browser: Any, story: Any, headers: dict[str, str]) -> None:
    before = story.ledger.head()

    for method, path in routes(app):
        if method == "POST":
            answer = browser.post(path, {"text": "x", "reason": "x"}, headers=headers)
            assert (path, answer.status_code) == (path, 403)
    assert story.ledger.head() == before


def test_a_post_without_origin_is_refused_unless_the_browser_says_that_it_is_ours(app: Any, client_of: Any) -> None:
    client, cookie = client_of(app), {"Cookie": f"{COOKIE}={app.state.doors.seal(Seal('interviewer'))}"}
    note = {"data": {"text": "x"}}

    refused = client.post("/interviews/current/notes", headers=cookie, **note)
    ours = {**cookie, "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
    taken = client.post("/interviews/current/notes", headers=ours, **note)

    assert (refused.status_code, taken.status_code) == (403, 200)


def test_another_hosts_name_is_refused(browser: Any) -> None:
    for host in ("127.0.0.1:7206", "rebound.example", ""):
        assert browser.get("/scenarios", headers={"Host": host}).status_code == 421
    assert browser.get("/healthz", headers={"Host": "127.0.0.1:7206"}).status_code == 200


@pytest.mark.parametrize("path", ["/scenarios", "/interviews/current/live", "/enter", "/nothing", "/static/base.css"])
def test_every_answer_carries_the_policy(browser: Any, path: str) -> None:
    headers = browser.get(path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


STRANGE = [
    "..",
    "%2e%2e%2f%2e%2e",
    "%00",
    "a" * 65,
    "a" * 5000,
    "nobody",
    "current%2f..",
    "' OR 1=1",
    "../../etc/passwd",
]


@pytest.mark.parametrize("strange", STRANGE)
def test_ids_out_of_range_are_refused_and_nothing_more(browser: Any, story: Any, strange: str) -> None:
    before = story.ledger.head()

    for path in (f"/interviews/{strange}", f"/scenarios/{strange}", f"/interviews/current/plots/{strange}"):
        assert browser.get(path).status_code in (303, 404, 405, 422)
    for path in (
        f"/interviews/{strange}/notes",
        f"/interviews/{strange}/close",
        f"/interviews/current/findings/{strange}/verdict",
    ):
        answer = browser.post(path, {"text": "x", "verdict": "confirmed", "reason": "r"})
        assert answer.status_code in (404, 405, 422)
    assert browser.post("/interviews", {"scenario": strange}).status_code == 422
    assert story.ledger.head() == before


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "99999999999999999999", "1.5", "one"])
def test_numbers_out_of_range_are_refused(browser: Any, number: str) -> None:
    verdict = {"verdict": "confirmed", "reason": "r"}

    assert browser.post(f"/interviews/current/findings/{number}/verdict", verdict).status_code == 422
    assert browser.post("/interviews/current/undo", {"seq": number, "reason": "r"}).status_code == 422
    assert browser.post("/interviews", {"scenario": "junior-01", "seed": f"{number}x"}).status_code == 422
    assert browser.get(f"/interviews/current/events?after={number}x").status_code == 422


def test_a_body_that_is_no_form_or_too_large_is_refused(browser: Any, story: Any) -> None:
    before = story.ledger.head()
    large = {"component": "ingest", "failure_class": "stale_data", "text": "x" * 2**20}
    many = "&".join(f"a{i}=1" for i in range(100))

    assert browser.post("/interviews/current/findings", large).status_code == 413
    assert browser.post("/interviews/current/notes", {"text": "x" * 2**20}).status_code == 413
    assert browser.request("POST", "/interviews/current/notes", data=b"\xff\xfe").status_code == 400
    assert browser.request("POST", "/interviews/current/notes", data=many).status_code == 400
    assert story.ledger.head() == before
