"""A console on an interview written by hand; the stack is a fake that moves the ledger alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from schemathesis.python import asgi

from brownout import entries as e
from brownout.console.alerts import Alert, Board
from brownout.console.app import Services, create_app
from brownout.console.doors import COOKIE, RATER_COOKIE, Doors, Seal
from brownout.console.jobs import JobState, Wish
from brownout.errors import LifecycleError
from brownout.settings import Harness

TOKEN = "the-interviewers-token"
ORIGIN = f"http://{asgi.HOST}"


class FakeLifecycle:
    def refuse_a_second(self) -> None:
        pass

    def start(self, interview: Any) -> None:
        interview.advance("interviewer", "start", e.Started(brief="b"), "ready")

    def pause(self, interview: Any, reason: str, lost: bool) -> None:
        interview.advance("interviewer", "pause", e.Paused.of(reason=reason, lost=lost), "running")

    def resume(self, interview: Any) -> None:
        interview.advance("interviewer", "resume", e.Resumed(), "paused")

    def close(self, interview: Any, reason: str, watch: bool) -> None:
        closed = e.Closed.of(reason=reason, watch_seconds=600)
        interview.advance("interviewer", "close", closed, "running", "paused")


class FakeJobs:
    def __init__(self) -> None:
        self.wishes: list[Wish] = []
        self.resets: list[str] = []

    def prepare(self, wish: Wish) -> str:
        if self.wishes:
            raise LifecycleError("A preparation is under way.")
        self.wishes.append(wish)
        return "20261121-story"

    def reset(self, baseline: str) -> None:
        self.resets.append(baseline)

    def state(self) -> JobState | None:
        return JobState("reset", "restores the baseline", bool(self.resets), time.time())


@pytest.fixture
def ours(tmp_path: Path) -> Harness:
    return Harness(state=tmp_path / "harness", console_url=ORIGIN)


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


@pytest.fixture
def story(tell_story: Callable[..., Any]) -> Any:
    return tell_story(candidate="kestrel").started()


@pytest.fixture
def app(story: Any, jobs: FakeJobs) -> Any:
    board = Board((Alert("LossAboveBudget", "page", "money is lost", time.time() - 60, False),))
    services = Services(
        harness=story.harness,
        token=TOKEN,
        lifecycle=FakeLifecycle,  # type: ignore[arg-type]
        jobs=jobs,
        alerts=lambda: board,
        ask=lambda *_: [(1_795_000_300.0, 12.5)],
    )
    return create_app(services)


@pytest.fixture
def doors(app: Any) -> Doors:
    found: Doors = app.state.doors
    return found


class Browser:
    """Sends what a browser on one of the console's pages would; does not follow redirections."""

    def __init__(self, client: Any, cookies: dict[str, str]) -> None:
        self._client = client
        self.cookies = cookies

    def request(self, method: str, path: str, **given: Any) -> Any:
        headers = {"Origin": ORIGIN} if method != "GET" else {"Accept": "text/html"}
        headers |= {"Accept": "application/json"} if method != "GET" else {}
        headers |= given.pop("headers", {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self._client.request(method, path, headers=headers, allow_redirects=False, **given)

    def get(self, path: str, **given: Any) -> Any:
        return self.request("GET", path, **given)

    def post(self, path: str, form: dict[str, Any] | None = None, **given: Any) -> Any:
        return self.request("POST", path, data=form or {}, **given)


@pytest.fixture
def stranger(app: Any, client_of: Any) -> Browser:
    return Browser(client_of(app), {})


@pytest.fixture
def browser(app: Any, client_of: Any, doors: Doors) -> Browser:
    """The interviewer's, who has entered."""
    return Browser(client_of(app), {COOKIE: doors.seal(Seal("interviewer"))})


@pytest.fixture
def second(app: Any, client_of: Any, doors: Doors, story: Any) -> Browser:
    """The second rater's."""
    return Browser(client_of(app), {RATER_COOKIE: doors.seal(Seal("rater", story.id, "ben"))})
