"""A console on a ledger of its own, and Debian's Chromium in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.driver import TOKEN, Played, launch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = launch(play.chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    proctor = Played(tmp_path_factory.mktemp("played"))
    proctor.start()
    yield proctor
    proctor.stop()


@pytest.fixture
def visit(chrome: Browser, played: Played) -> Iterator[Callable[..., Page]]:
    """A page of the interviewer, who has entered: `visit("/history", width=390)`. What it complains of is an error."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def go(
        path: str = "/", width: int = 1280, scheme: Any = "light", enter: bool = True, browser: Browser = chrome
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        if enter:
            page.goto(f"{played.url}/enter?next={path}#{TOKEN}")
            page.wait_for_url(lambda url: "/enter" not in url)
        else:
            page.goto(f"{played.url}{path}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert wrong == []
