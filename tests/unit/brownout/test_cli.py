from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from brownout import entries as e
from brownout import settings as harness_settings
from brownout.cli.app import app, main
from brownout.proctor import tokens
from brownout.settings import Harness
from ontime import settings as platform_settings
from ontime.cli.output import OUT

Tell = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(ours: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs `brownout …` in this process, on the test's own state: exit code, output, errors."""
    monkeypatch.setenv("BROWNOUT_STATE", str(ours.state))
    monkeypatch.setenv("ONTIME_STATE", str(ours.state.parent / "platform"))
    monkeypatch.setenv("BROWNOUT_SECRECY", "false")
    monkeypatch.setenv("COLUMNS", "160")
    caches = (harness_settings.harness, platform_settings.environment)
    for cached in caches:
        cached.cache_clear()

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["brownout", *arguments])
        OUT.without_colour()
        code = main()
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    yield call
    for cached in caches:
        cached.cache_clear()


def test_every_promised_command_is_there_with_an_example() -> None:
    names = {command.callback.__name__: command.callback for command in app.registered_commands if command.callback}

    assert names.keys() >= {
        *("up", "down", "status", "reset", "scenarios", "preflight", "interview", "start", "pause", "resume"),
        *("finding", "hint", "close", "verdict", "notes", "history", "scorecard", "verify", "rehearsal", "soak"),
    }
    for callback in names.values():
        assert "Example" in (callback.__doc__ or "")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("interview", "jnior-01"), 2, "Unknown scenario 'jnior-01'. Did you mean junior-01"),
        (("intervew", "junior-01"), 2, "intervew"),
        (("pause", "why"), 4, "brownout interview SCENARIO"),
        (("verify",), 4, "brownout interview SCENARIO"),
        (("scorecard", "20990101-none"), 2, "Unknown interview"),
        (("soak", "tomorrow"), 2, "Expected a day such as 2013-05-15"),
        (("rehearsal", "junior-1"), 2, "junior-01"),
        (("interview", "junior-01", "--ai", "some"), 2, "some"),
    ],
)
def test_errors_name_the_thing_and_the_remedy(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    got, out, err = run(*arguments)

    assert (got, says in err) == (code, True)
    assert "Traceback" not in out + err


def test_scenarios_as_json_and_as_a_table(run: Run) -> None:
    code, out, _ = run("scenarios", "--json")
    _, table, _ = run("scenarios")

    assert code == 0
    assert {"junior-01", "mid-01", "mid-02"} <= {s["id"] for s in json.loads(out)}
    assert "junior-01" in table


def test_findings_verdicts_hints_and_notes(run: Run, tell_story: Tell) -> None:
    story = tell_story().started()

    assert run("finding", "ingest", "stale-data", "it", "stands", "still")[0] == 0
    assert run("verdict", "1", "confirm", "named", "it")[0] == 0
    assert "Look at the ages." in run("hint")[1]
    assert run("notes", "looks", "twice")[0] == 0
    assert "looks twice" in run("notes")[1]
    assert run("rate", "repair", "4", "rolled", "back", "first")[0] == 0

    facts = story.facts
    assert facts.findings[0].text == "it stands still"
    assert facts.faults[0].found_by == "interviewer"
    assert (len(facts.hints), len(facts.notes), facts.ratings[0].why) == (1, 1, "rolled back first")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("finding", "ingets", "stale_data", "x"), 2, "Did you mean ingest"),
        (("finding", "ingest", "stael_data", "x"), 2, "Did you mean stale_data"),
        (("finding", "none", "stale_data", "x"), 2, "together"),
        (("finding", "ingest", "stale_data", " "), 2, "no text"),
        (("verdict", "1", "maybe", "x"), 2, "Unknown verdict"),
        (("verdict", "7", "confirm", "x"), 2, "Unknown finding '7'"),
        (("rate", "repare", "3"), 2, "Did you mean repair"),
        (("rate", "repair", "6"), 4, "outside 1 to 5"),
        (("undo", "1", "x"), 4, "cannot be undone"),
        (("close", "--rating", "repair=good"), 4, "DIMENSION=SCORE"),
        (("notes", "x" * 9000), 1, "8000"),
    ],
)
def test_bad_input_in_a_running_interview(
    run: Run, tell_story: Tell, arguments: tuple[str, ...], code: int, says: str
) -> None:
    story = tell_story().started()
    before = story.ledger.head()

    got, _, err = run(*arguments)

    assert (got, says in err) == (code, True)
    assert story.ledger.head() == before


def test_json_of_a_finding_is_one_document(run: Run, tell_story: Tell) -> None:
    tell_story().started()

    _, out, _ = run("finding", "ingest", "stale_data", "x", "--suspicion", "--json")

    assert json.loads(out)["certainty"] == "suspicion"


def test_history_scorecard_and_verify(run: Run, tell_story: Tell) -> None:
    story = tell_story().started()

    assert story.id in run("history")[1]
    assert json.loads(run("history", "--json")[1])[0]["interview"] == story.id
    written = run("scorecard")[1].split()
    assert [run("verify", path)[0] for path in written] == [0, 0, 0]
    assert run("verify")[0] == 0


def test_a_damaged_ledger_is_told_and_salvaged(run: Run, tell_story: Tell) -> None:
    import sqlite3
    from contextlib import closing

    story = tell_story().started()
    with closing(sqlite3.connect(story.ledger.path, isolation_level=None)) as db:
        db.execute("DROP TRIGGER entries_never_change")
        db.execute("UPDATE entries SET wall = wall + 1 WHERE seq = 5")
    saved = story.folder.parent.parent / "saved.db"

    code, _, err = run("verify", "--salvage", str(saved))

    assert code == 6
    assert "entry 5: has another content" in err
    assert "4 entries written" in err
    assert saved.exists()


def test_a_half_written_ledger_is_no_traceback(run: Run, tell_story: Tell) -> None:
    story = tell_story().started()
    for suffix in ("-wal", "-shm"):
        story.ledger.path.with_name(f"ledger.db{suffix}").unlink(missing_ok=True)
    story.ledger.path.write_bytes(story.ledger.path.read_bytes()[:700])

    code, _, err = run("notes", "x")

    assert code == 1
    assert err.startswith("error: ")
    assert "damaged" in err or "not a ledger" in err


def test_status_tells_of_a_preparation_that_died(run: Run, tell_story: Tell) -> None:
    tell_story(pid=2**22 + 1).add(5, e_step())

    code, out, _ = run("status")

    assert code == 1
    assert "is preparing, but its process" in out
    assert "inject started" in out
    assert "brownout reset" in out


def e_step() -> Any:
    from brownout.entries import Step

    return Step(name="inject", status="started", detail="")


def test_preflight_answers_with_its_exit_code(run: Run) -> None:
    code, out, _ = run("preflight", "--json")
    told = json.loads(out)

    assert code == (0 if told["ok"] else 1)
    assert {"processor", "memory", "packages", "secrecy"} <= {check["name"] for check in told["checks"]}
    assert all(check["remedy"] or check["ok"] for check in told["checks"])


def test_the_console_prints_a_link_whose_token_no_log_sees(run: Run, ours: Harness) -> None:
    missing = run("console", "--no-open")
    token = tokens.ensure(ours, "proctor")
    code, out, _ = run("console", "--no-open")

    assert (missing[0], "brownout up" in missing[2]) == (1, True)
    assert (code, out.splitlines()[-1]) == (0, f"http://console.localhost:7206/enter#{token}")


def test_live_tells_what_the_live_page_shows(run: Run, tell_story: Tell) -> None:
    tell_story().started().finding(300, ("ingest", "stale_data"))

    code, out, _ = run("live")
    told = json.loads(run("live", "--json")[1])

    assert code == 0
    for word in ("Fresh features stand still", "Conclusion 1: ingest / stale_data", "next   Look at the ages."):
        assert word in out
    assert told["facts"]["findings"][0]["component"] == "ingest"
    assert [hint["next"] for hint in told["hints"]] == [True, False, False]


def test_two_raters_agree_when_both_are_done(run: Run, ours: Harness, tell_story: Tell) -> None:
    story = tell_story(raters=("ann", "ben")).started()
    story.add(400, e.Closed(reason="time"), "interviewer").add(1000, e.WatchEnded())
    tokens.ensure(ours, "proctor")
    link = run("rater", "ben")[1]
    run("rate", "repair", "4", "--rater", "ann")
    waiting = run("ratings", "--done", "ann")[1]
    run("rate", "repair", "2", "--rater", "ben")
    told = run("ratings", "--done", "ben")[1]

    assert "/rate/enter#" in link
    assert "Still rating: ben" in waiting
    assert "0 of 1 ratings are equal, 0 at most one apart" in told
    assert (story.folder / "scorecard.html").exists()


def test_times_are_spread_by_scenario(run: Run, tell_story: Tell) -> None:
    tell_story().started().finding(320, ("ingest", "stale_data")).add(400, e.Closed(reason="time"), "interviewer")

    told = json.loads(run("history", "--times", "--json")[1])

    assert told[0]["scenario"] == "junior-01"
    assert told[0]["spreads"][0]["dots"][0]["minutes"] == 2.0
