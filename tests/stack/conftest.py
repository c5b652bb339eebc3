"""A running stack for the whole session, from the checkout's HEAD.

`platform` is the platform alone, without data, and so without serving, which has nothing to serve then. A fixture that
adds more starts from `new_stack` as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.driver import WITHOUT_DATA, Stack, new_stack, put_away


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The platform without data: everything but serving is ready."""
    stack = new_stack()
    failed = request.session.testsfailed
    try:
        stack.ontime("up", "--tree", str(stack.tree), *WITHOUT_DATA)
        yield stack
    except BaseException:
        failed = -1
        raise
    finally:
        put_away(stack, keep_logs=request.session.testsfailed != failed)
