"""What of all that is noticed goes into the ledger."""

from __future__ import annotations

from brownout.evidence.gathering import APART_SECONDS, Gathering
from brownout.evidence.seen import Seen


class Fake:
    """Notices what the test says, look by look."""

    def __init__(self, *looks: list[Seen]) -> None:
        self.looks = list(looks)
        self.stopped = False

    def look(self) -> list[Seen]:
        return self.looks.pop(0) if self.looks else []

    def stop(self) -> None:
        self.stopped = True


def test_the_first_look_is_where_the_interview_begins() -> None:
    gathering = Gathering([Fake([Seen("logs", "read", 4)], [Seen("git", "read")])])

    assert gathering.look() == []
    assert [(c.source, c.asked) for c in gathering.look()] == [("git", 1)]


def test_a_page_that_is_left_open_is_one_look_a_minute() -> None:
    now = 0.0
    gathering = Gathering([Fake([], *([Seen("mlflow", "opened", 2)] for _ in range(50)))], lambda: now)
    found = []
    for step in range(51):
        now = step * 2.5
        found += [(now, c.asked) for c in gathering.look()]

    assert [at for at, _ in found] == [2.5, 2.5 + APART_SECONDS, 2.5 + 2 * APART_SECONDS]
    assert sum(asked for _, asked in found) == 98


def test_sources_do_not_wait_for_each_other_and_what_noticed_is_stopped() -> None:
    one, two = Fake([], [Seen("logs", "read")]), Fake([], [Seen("git", "read")])
    gathering = Gathering([one, two])
    gathering.look()

    assert {c.source for c in gathering.look()} == {"logs", "git"}

    gathering.stop()
    assert (one.stopped, two.stopped) == (True, True)
