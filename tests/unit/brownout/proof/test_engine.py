"""A proof proves what is honest, and can fail: whatever is dishonest is named, with what is dishonest about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from brownout.faults import Fault, Plan
from brownout.faults.cheats import silencing
from brownout.faults.parameters import Parameters
from brownout.probes import ProbeResult
from brownout.proof.rows import spent
from tests.unit.brownout.proof.conftest import Bench

MakeBench = Callable[..., Bench]


def test_a_fault_from_a_pack_is_proved(bench: MakeBench, honest: Fault) -> None:
    rows = bench(honest).prove()

    assert [(row.step, row.kind, row.outcome) for row in rows] == [
        ("healthy", "healthy", "proved"),
        ("symptom", "symptom", "proved"),
        ("leaks", "leaks", "proved"),
        ("convert-and-rebuild", "solution", "proved"),
        ("mute-the-alerts", "cheat", "proved"),
        ("restart-and-hope", "wrong fix", "proved"),
        ("convert-without-rebuild", "wrong fix", "proved"),
        ("reset", "reset", "proved"),
    ]


@pytest.mark.parametrize(
    ("fault", "step", "said"),
    [
        ("shows_nothing", "symptom", "The fault shows_nothing is dishonest: its symptom was not observed within 120 s"),
        ("red_when_healthy", "healthy", "The probe ServedScorePath is dishonest: it calls a healthy stack broken"),
        ("tells_itself", "leaks", "The fault tells_itself is told to whoever looks"),
        ("repairs_nothing", "convert-by-guess", "The solution convert-by-guess is dishonest: it should repair it"),
        ("cheats_that_repair", "only-tidy-up", "The cheat only-tidy-up is dishonest: it counts as a repair"),
    ],
)
def test_what_is_dishonest_is_caught(
    bench: MakeBench, dishonest: dict[str, Fault], fault: str, step: str, said: str
) -> None:
    rows = bench(dishonest[fault]).prove()

    assert [(row.step, row.why.startswith(said)) for row in rows if row.outcome == "dishonest"] == [(step, True)]


def test_every_dishonest_one_of_the_pack_is_caught(bench: MakeBench, dishonest: dict[str, Fault]) -> None:
    found = {
        name: [row for row in bench(fault).prove() if row.outcome == "dishonest"] for name, fault in dishonest.items()
    }

    assert len(found) == 5
    assert all(len(rows) == 1 for rows in found.values())


def test_a_restore_that_leaves_a_file_is_caught(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest)
    made.stage.left_over = ["warehouse/x.parquet is new"]
    rows = made.prove()

    assert [row.why for row in rows] == [
        "The restore is dishonest: 1 files differ from the baseline: ['warehouse/x.parquet is new']"
    ]


def test_a_reset_that_is_not_the_baseline_is_caught(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest)
    made.stage.unequal_after = ["the aliases are {'champion': 3}, the baseline's are {'champion': 2}"]
    rows = made.prove()

    assert (rows[-1].step, rows[-1].outcome) == ("reset", "dishonest")
    assert "the aliases are" in rows[-1].why


def test_a_machine_that_shows_it_too_faintly_is_refused(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest)
    made.stage.weakness = "99% take up to 30 ms with it and 20 ms without"
    rows = made.prove()

    assert rows[-1].why.startswith("The fault block_times_in_half_hours cannot be shown on this machine: 99%")


def test_a_symptom_that_is_red_in_a_healthy_window_is_refused(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest)
    made.stage.in_windows = ProbeResult("broken", "30 of 200 scores differ")
    rows = made.prove()

    assert [(row.step, row.outcome) for row in rows] == [("healthy", "dishonest")]
    assert rows[0].why == (
        "The probe ServedScorePath is dishonest: nothing was put in, and ServedScorePath is red in 20 of 20 healthy "
        "windows, first 0: 30 of 200 scores differ"
    )


def test_harmless_attempts_share_the_broken_state_and_others_restore_it(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest)
    made.prove()

    assert made.stage.did == [
        *("restore", "start", "snapshot", "convert-and-rebuild"),
        *("restore broken", "mute-the-alerts", "restart-and-hope", "convert-without-rebuild"),
        "restore",
    ]


def test_what_is_undone_needs_no_restore(bench: MakeBench, honest: Fault) -> None:
    def plan(parameters: Parameters) -> Plan:
        made = honest.plan(parameters)
        return made.model_copy(update={"wrong_fixes": (*made.wrong_fixes, silencing(made.symptom.name)[1])})

    made = bench(honest.model_copy(update={"plan": plan}))
    rows = made.prove()

    assert [row.outcome for row in rows] == ["proved"] * 9
    assert made.stage.did[4:] == [
        *("restore broken", "mute-the-alerts", "restart-and-hope", "stop-serving", "undo-stop-serving"),
        *("convert-without-rebuild", "restore"),
    ]
    assert "undo" in next(row for row in rows if row.step == "stop-serving").phases


def test_a_short_proof_tries_one_solution_and_one_wrong_fix(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest, limit=1)

    assert [row.step for row in made.prove()] == [
        *("healthy", "symptom", "leaks"),
        *("convert-and-rebuild", "mute-the-alerts", "reset"),
    ]


def test_what_was_proved_is_not_proved_again(bench: MakeBench, honest: Fault) -> None:
    first = bench(honest)
    rows = first.prove()
    again = bench(honest)

    assert [row.step for row in again.prove()] == [row.step for row in rows]
    assert again.stage.did == []


def test_another_key_proves_anew(bench: MakeBench, honest: Fault) -> None:
    bench(honest).prove()
    again = bench(honest, key="other")
    again.prove()

    assert "convert-and-rebuild" in again.stage.did


def test_an_interrupted_proof_goes_on_from_the_broken_state(bench: MakeBench, honest: Fault) -> None:
    made = bench(honest)
    made.stage.fails_at = "restart-and-hope"
    with pytest.raises(ConnectionError):
        made.prove()
    made.stage.did.clear()
    rows = made.prove()

    assert made.stage.did == ["restore broken", "restart-and-hope", "convert-without-rebuild", "restore"]
    assert [row.outcome for row in rows] == ["proved"] * 8


def test_a_dishonest_step_is_not_kept(bench: MakeBench, dishonest: dict[str, Fault]) -> None:
    made = bench(dishonest["cheats_that_repair"])
    made.prove()

    assert "only-tidy-up" not in made.kept.rows()
    assert "convert-and-rebuild" in made.kept.rows()


def test_every_second_is_spent_on_a_phase(bench: MakeBench, honest: Fault) -> None:
    rows = bench(honest).prove()

    assert sum(row.seconds for row in rows) > 0
    assert sum(spent(rows).values()) == pytest.approx(sum(row.seconds for row in rows), abs=1.0)


def test_a_wrong_fix_is_watched_for_longer_than_a_repair_needs(bench: MakeBench, honest: Fault) -> None:
    rows = {row.step: row for row in bench(honest).prove()}

    assert rows["mute-the-alerts"].seconds > 1.25 * rows["convert-and-rebuild"].figures["clean_after_seconds"]
