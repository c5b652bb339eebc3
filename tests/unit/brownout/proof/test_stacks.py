"""Several stacks share the faults: each has its own places, none is proved twice, and nothing that failed is lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.errors import BrownoutError
from brownout.faults import discover
from brownout.proof.kept import Kept
from brownout.proof.published import Record
from brownout.proof.rows import Row
from brownout.proof.stacks import PORTS_APART, Side, Stacks, longest_first
from brownout.settings import Harness
from ontime.errors import ConfigError
from ontime.settings import Environment

NAMES = sorted(discover())[:4]
BY_ITSELF = """
import json, os, pathlib, signal, sys
state = pathlib.Path(os.environ["BROWNOUT_STATE"])
state.mkdir(parents=True, exist_ok=True)
with (pathlib.Path(os.environ["DIARY"]) / state.name).open("a") as diary:
    diary.write(" ".join(sys.argv[1:]) + "\\n")
print("   1.5 s  platform: done", file=sys.stderr)
if sys.argv[1] == "prove":
    name = sys.argv[2]
    if name == os.environ.get("FAILS"):
        sys.exit("error: the stack fell over")
    if name == os.environ.get("WAITS"):
        signal.alarm(60)
        signal.pause()
    outcome = os.environ.get("OUTCOME", "proved")
    row = dict(step="healthy", kind="healthy", outcome=outcome, why="as it should be", seconds=2.0, wall=5.0)
    print(json.dumps([{"key": "k", "fault_key": "f", "rows": [row]}]))
"""
"""Answers as `brownout` does, and writes down what each stack was asked."""


@pytest.fixture
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "diary"
    path.mkdir()
    monkeypatch.setenv("DIARY", str(path))
    monkeypatch.setenv("BROWNOUT_STATE", str(tmp_path / "brownout"))
    return path


def sides(place: Path, count: int = 2) -> list[Side]:
    here, platform = Harness(state=place / "brownout"), Environment(state=place / "ontime")
    return [Side.of(number, here, platform) for number in range(count)]


def stacks(of: list[Side], names: list[str] = NAMES, told: list[str] | None = None) -> Stacks:
    command = [sys.executable, "-c", BY_ITSELF]
    heard = told if told is not None else []
    return Stacks(of, names, [], lambda step, _, detail: heard.append(f"{step}: {detail}"), command)


def asked(diary: Path, side: Side) -> list[str]:
    return (diary / side.here.state.name).read_text().splitlines()


@given(first=st.integers(1024, 65_535 - 110 - 3 * PORTS_APART), count=st.integers(1, 4))
def test_no_two_stacks_share_a_port_or_a_place(first: int, count: int) -> None:
    at = "http://127.0.0.1"
    here = Harness(proctor_url=f"{at}:{first + 100}", world_url=f"{at}:{first + 101}")
    platform = Environment(ingest_url=f"{at}:{first}", mlflow_url=f"{at}:{first + 1}/path")
    made = [Side.of(number, here, platform) for number in range(count)]

    ports = [urlsplit(url).port for side in made for url in (side.here.proctor_url, side.here.world_url)]
    ports += [urlsplit(url).port for side in made for url in (side.platform.ingest_url, side.platform.mlflow_url)]
    places = [place for side in made for place in (side.here.state, side.platform.state)]
    assert len(set(ports)) == len(ports)
    assert len(set(places)) == len(places)
    assert made[0].variables() == {}
    assert {side.here.cache for side in made} == {here.cache}, "what is made of the flights is made once"
    assert len({side.here.baselines for side in made}) == count, "a snapshot is of one platform's state"


def test_what_a_stack_is_told_is_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    side = sides(tmp_path)[1]
    for name, value in side.variables().items():
        monkeypatch.setenv(name, value)

    assert Harness() == side.here
    assert Environment() == side.platform


def test_a_port_beyond_the_last_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"65000.*plus 1000"):
        Side.of(1, Harness(state=tmp_path, proctor_url="http://127.0.0.1:65000"), Environment(state=tmp_path))


def test_the_longest_comes_first_and_what_was_never_measured_before_it() -> None:
    def took(seconds: float) -> Record:
        return Record(
            at="2026-01-01", key="", fault_key="", scenario="", baseline="may", seconds=seconds, spent={}, steps=()
        )

    assert longest_first(["short", "new", "long"], {"short": took(5), "long": took(50)}) == ["new", "long", "short"]


def test_every_fault_is_proved_once_and_the_further_stacks_go(tmp_path: Path, diary: Path) -> None:
    of, told = sides(tmp_path), list[str]()

    proved = list(stacks(of, told=told).prove(seed=None, short=False))

    assert sorted(one.setting.fault.id for one in proved) == NAMES
    assert all(one.rows[0].why == "as it should be" and one.honest for one in proved)
    one, other = asked(diary, of[0]), asked(diary, of[1])
    assert sorted(line.split()[1] for line in (*one, *other) if line.startswith("prove")) == NAMES
    assert (one[0], other[0], other[-1]) == ("up", "up", "down")
    assert "down" not in one, "the first stack is the user's"
    assert of[0].here.state.exists()
    assert not of[1].here.state.exists()
    assert "stack 2: platform: done" in told


def test_what_a_further_stack_proved_is_kept_by_the_first(tmp_path: Path, diary: Path) -> None:
    of = sides(tmp_path)

    list(stacks(of).prove(seed=None, short=False))

    by_the_other = [line.split()[1] for line in asked(diary, of[1]) if line.startswith("prove")]
    assert [name for name in by_the_other if "healthy" not in Kept(of[0].here, name, "k").rows()] == []


def test_a_verdict_of_a_further_stack_takes_the_place_of_an_earlier_one(
    tmp_path: Path, diary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTCOME", "dishonest")
    one, other = sides(tmp_path)
    row = Row(step="healthy", kind="healthy", outcome="proved", why="", seconds=1.0)
    Kept(one.here, NAMES[0], "k").add(row)
    monkeypatch.setattr(
        Stacks, "take", lambda self, side, left=[NAMES[0]]: left.pop() if side is other and left else None
    )

    (proved,) = stacks([one, other]).prove(seed=None, short=False)

    assert not proved.honest
    assert Kept(one.here, NAMES[0], "k").rows() == {}


def test_one_that_fails_ends_no_other_and_is_named(
    tmp_path: Path, diary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", NAMES[1])
    of, came, told = sides(tmp_path), list[str](), list[str]()

    def prove() -> Iterator[str]:
        for one in stacks(of, told=told).prove(seed=None, short=False):
            yield one.setting.fault.id

    said = rf"{NAMES[1]} came to no proof: .*on stack \d: error: the stack fell over"
    with pytest.raises(BrownoutError, match=said) as refused:
        came.extend(prove())

    assert sorted(came) == [name for name in NAMES if name != NAMES[1]]
    assert "goes on where it was" in str(refused.value)
    assert any(line.startswith(f"proof: {NAMES[1]} came to no proof") for line in told), "said when it happens"
    assert of[1].here.state.exists(), "what it kept is needed to go on"


def test_a_fault_goes_on_where_it_was_begun(tmp_path: Path) -> None:
    one, other = of = sides(tmp_path)
    row = Row(step="healthy", kind="healthy", outcome="proved", why="", seconds=1.0)
    for name in NAMES[:2]:
        Kept(other.here, name, "earlier").add(row)
    shared = stacks(of)

    assert shared.take(one) == NAMES[2], "the first two go on elsewhere"
    assert shared.take(other) == NAMES[0]
    assert shared.take(one) == NAMES[3]
    assert shared.take(one) == NAMES[1], "rather than wait"
    assert shared.take(other) is None


def test_whoever_stops_listening_stops_every_stack(
    tmp_path: Path, diary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAITS", NAMES[-1])
    of = sides(tmp_path)
    proving = stacks(of).prove(seed=None, short=False)
    assert isinstance(proving, Iterator)

    next(proving)
    before = threading.active_count()
    proving.close()  # type: ignore[attr-defined]

    assert asked(diary, of[1])[-1] == "down"
    assert threading.active_count() < before
    assert of[1].here.state.exists()
