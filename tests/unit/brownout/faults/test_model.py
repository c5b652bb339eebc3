"""A fault file that is not right is refused, with file, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from brownout.faults.discovery import find, load_file
from brownout.faults.edits import Edit
from brownout.faults.parameters import Choice, Whole, draw
from ontime.errors import ConfigError, UnknownNameError

GOOD = """
from brownout.faults.actions import EditFiles, RestartComponent
from brownout.faults.edits import Edit
from brownout.faults.injectors import ConfigChange
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice
from brownout.probes import ClientLatency, WorldAlive

EDIT = Edit(path="ontime.toml", old="poll_seconds = 2.0\\n", new="poll_seconds = 60.0\\n")
WHEN = When(says="It says what it should say.", samples=("one way", "another way"))


def plan(parameters):
    symptom = ClientLatency(objective_ms=float(parameters["limit"]))
    return Plan(
        injections=(ConfigChange(subject="Serving: poll less often", edits=(EDIT,)),),
        symptom=symptom,
        root_cause=(WorldAlive(),),
        solutions=(Repair(name="back", actions=(EditFiles(edits=(EDIT.reversed,), subject="As before"),)),),
        wrong_fixes=(
            WrongFix(name="hope", actions=(RestartComponent(component="serving"),), convicted_by=symptom.name,
                     why="Nothing has changed."),
        ),
    )


FAULT = Fault(
    id="slow_poll",
    title="Serving follows the alias late",
    layer="serving",
    levels=("junior",),
    symptom="A new champion is served a minute late.",
    symptom_budget_seconds=60,
    parameters={"limit": Choice(of=(50, 60))},
    plan=plan,
    truth=("late", "polls rarely", "the interval is a minute"),
    accepts=(Accepted(component="serving", failure_class="misconfiguration"),),
    confirm_when=(WHEN,),
    partial_when=(WHEN,),
    refuse_when=(WHEN,),
    hints=("look", "compare", "it is the interval"),
    rubric=("looks",),
    must_notice=("The alias moves, and serving does not follow.",),
    evidence=("mlflow", "serving"),
)
"""


def write(root: Path, text: str, name: str = "slow_poll", layer: str = "serving") -> Path:
    path = root / layer / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_good_file_is_found(tmp_path: Path) -> None:
    write(tmp_path, GOOD)

    assert list(find([tmp_path])) == ["slow_poll"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title="Serving', 'tittle="Serving', "'tittle'"),
        ('hints=("look", "compare", "it is the interval")', 'hints=("look",)', "'hints'"),
        ("wrong_fixes=(\n", "wrong_fixes=() and (\n", "'wrong_fixes'"),
        ('old="poll_seconds = 2.0\\n"', 'old="poll_seconds = 9.0\\n"', "occurs 0 times"),
        ('old="poll_seconds = 2.0\\n"', 'old="max_"', "times, expected exactly once"),
        ('subject="Serving: poll less often"', 'subject="Interview: poll rarely"', "would tell"),
        ("convicted_by=symptom.name", 'convicted_by="Nobody"', "Nobody"),
        ('id="slow_poll"', 'id="slow_pole"', "'id'"),
        ('layer="serving"', 'layer="data"', "'layer'"),
        ('truth=("late"', 'truth=("late {what}"', "'what'"),
        ('path="ontime.toml"', 'path="nowhere.toml"', "nowhere.toml"),
        ('evidence=("mlflow", "serving")', 'evidence=("mlflow", "tea leaves")', "'evidence.1'"),
        ('evidence=("mlflow", "serving")', 'evidence=("mlflow", "mlflow")', "stands there twice"),
        ("must_notice=", "must_notize=", "'must_notize'"),
        ('    must_notice=("The alias moves, and serving does not follow.",),\n', "", "'must_notice' is missing"),
        ("FAULT = Fault(", "THING = Fault(", "declares no FAULT"),
        ("def plan(", "import nothing_of_the_kind\n\n\ndef plan(", "cannot be imported"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))

    with pytest.raises(ConfigError) as refused:
        find([tmp_path])

    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_two_faults_with_one_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "one", GOOD)
    second = write(tmp_path / "two", GOOD)

    with pytest.raises(ConfigError, match="is taken by") as refused:
        find([tmp_path / "one", tmp_path / "two"])

    assert str(second) in str(refused.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="declares no FAULT"):
        load_file(write(tmp_path, "x = 1\n"))


def test_parameters_of_a_seed_do_not_depend_on_each_other() -> None:
    few: dict[str, Choice | Whole] = {"a": Choice(of=("x", "y", "z"))}
    more: dict[str, Choice | Whole] = {"b": Whole(low=1, high=9), **few}

    assert [draw("f", few, seed, {})["a"] for seed in range(9)] == [draw("f", more, seed, {})["a"] for seed in range(9)]


def test_given_parameters_are_checked() -> None:
    declared: dict[str, Choice | Whole] = {"factor": Whole(low=1, high=9)}

    assert draw("f", declared, 1, {"factor": 3}) == {"factor": 3}
    with pytest.raises(ConfigError, match="a whole number from 1 to 9"):
        draw("f", declared, 1, {"factor": 10})
    with pytest.raises(UnknownNameError, match="factor"):
        draw("f", declared, 1, {"faktor": 3})


@pytest.mark.parametrize("path", ["../ontime.toml", "platform/../../x", "/etc/passwd"])
def test_edits_stay_in_the_tree(path: str) -> None:
    with pytest.raises(ValueError, match=r"leaves the tree|pattern"):
        Edit(path=path, old="a", new="b")
