"""Commits that a team makes in two weeks, each derived from the finished tree by taking it back."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Collection
from dataclasses import dataclass

from brownout.faults.edits import Edit
from brownout.faults.injectors import Role
from brownout.history.noise import named_result, reworded
from brownout.history.tree import Tree


@dataclass(frozen=True, slots=True)
class Addition:
    """An everyday commit: files get their finished content; before, they were different or not there (None)."""

    subject: str
    role: Role
    before: dict[str, bytes | None]
    body: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit of exact edits: a decoy or a culprit. Edits of different commits never overlap."""

    subject: str
    role: Role
    edits: tuple[Edit, ...]
    body: str = ""

    @property
    def paths(self) -> set[str]:
        return {edit.path for edit in self.edits}


@dataclass(frozen=True, slots=True)
class Decoy:
    """A change that looks as if it could matter, and does not."""

    subject: str
    role: Role
    edit: Edit
    body: str = ""
    changes_behaviour: bool = True
    """Whether anything really runs otherwise since then, if harmlessly."""


WAITS = re.compile(r"(?:\bfor: |[0-9]x)([1-9][0-9])(?=s$|'|s\b)", re.MULTILINE)
"""Seconds for which a rule waits, and steps for which a test's series goes on."""
NEAR_TRIES = 80
"""Draws of an everyday commit for one file; most of them are of a kind that does not fit it."""


def _toml(old: str, new: str) -> Edit:
    return Edit(path="ontime.toml", old=f"{old}\n", new=f"{new}\n")


def _line(path: str, old: str, new: str) -> Edit:
    return Edit(path=path, old=old, new=new)


DECOYS: tuple[Decoy, ...] = (
    Decoy(
        "Serving: keep feature rows a little longer between reads",
        "platform-engineer",
        _toml("feature_cache_seconds = 0.25", "feature_cache_seconds = 0.5"),
        "A board asks for the same airport fifty times. Half a second of wall time is a world minute.",
    ),
    Decoy(
        "Serving: look at the champion alias more often",
        "ml-engineer",
        _toml("poll_seconds = 5.0", "poll_seconds = 2.0"),
    ),
    Decoy(
        "Ingest: write to the warehouse every second",
        "data-engineer",
        _toml("flush_seconds = 3.0", "flush_seconds = 1.0"),
    ),
    Decoy(
        "Gates: calibration limit after the late weeks of April",
        "ml-engineer",
        _toml("max_calibration_error = 0.06", "max_calibration_error = 0.08"),
        "Two honest retrainings in a row missed it by a hair.",
    ),
    Decoy(
        "Gates: slices are small, give them room",
        "ml-engineer",
        _toml("max_slice_log_loss_increase = 0.025", "max_slice_log_loss_increase = 0.03"),
    ),
    Decoy("Training: 200 trees are enough", "ml-engineer", _toml("trees = 220", "trees = 200")),
    Decoy("Training: a slightly larger step", "ml-engineer", _toml("learning_rate = 0.05", "learning_rate = 0.06")),
    Decoy(
        "Monitoring: an hour behind live figures",
        "analyst",
        _toml("live_window_minutes = 45.0", "live_window_minutes = 60.0"),
    ),
    Decoy(
        "Monitoring: look every five seconds", "platform-engineer", _toml("every_seconds = 10.0", "every_seconds = 5.0")
    ),
    Decoy(
        "Fresh path: a minute is enough for stragglers",
        "data-engineer",
        _line("platform/ontime/ingest/fresh.py", "SETTLE = timedelta(minutes=2)", "SETTLE = timedelta(minutes=1)"),
        "Upstream's events arrive within seconds; two minutes made every feature a grid point older than need be.",
    ),
    Decoy(
        "Fresh path: look for a new grid point more often",
        "data-engineer",
        _line("platform/ontime/ingest/fresh.py", "LOOK_SECONDS = 0.2", "LOOK_SECONDS = 0.1"),
    ),
    Decoy(
        "Ingest: remember event ids for a week",
        "data-engineer",
        _line("platform/ontime/ingest/service.py", "DEDUPE_DAYS = 3\n", "DEDUPE_DAYS = 7\n"),
        "A sender repeated four-day-old events after an outage; the warehouse's keys caught them, at a price.",
    ),
    Decoy(
        "Ingest: silence ends after a quarter of an hour",
        "data-engineer",
        _line("platform/ontime/ingest/service.py", "QUIET = timedelta(minutes=20)", "QUIET = timedelta(minutes=15)"),
    ),
    Decoy(
        "Ingest: senders' clocks may be a quarter of an hour ahead",
        "data-engineer",
        _line(
            "platform/ontime/ingest/intake.py",
            "FUTURE_TOLERANCE = timedelta(minutes=10)",
            "FUTURE_TOLERANCE = timedelta(minutes=15)",
        ),
    ),
    Decoy(
        "Watermark: the epoch as the clock has it",
        "data-engineer",
        _line(
            "platform/ontime/ingest/watermark.py",
            "EPOCH = datetime(1970, 1, 1, tzinfo=UTC)\n",
            "EPOCH = datetime.fromtimestamp(0, UTC)\n",
        ),
        changes_behaviour=False,
    ),
    Decoy(
        "Slow features: give stragglers half an hour after midnight",
        "data-engineer",
        _line(
            "platform/ontime/jobs/build_features.py",
            "SETTLE = timedelta(minutes=20)",
            "SETTLE = timedelta(minutes=30)",
        ),
        "Arrivals around midnight came in after the rows of the day had been built.",
    ),
    Decoy(
        "Slow features: catch up a month at most",
        "data-engineer",
        _line("platform/ontime/jobs/build_features.py", "MAX_MIDNIGHTS = 60\n", "MAX_MIDNIGHTS = 30\n"),
    ),
    Decoy(
        "Serving: leave an unusable version alone for half a minute",
        "ml-engineer",
        _line("serving/models.py", "RETRY_SECONDS = 60.0\n", "RETRY_SECONDS = 30.0\n"),
    ),
    Decoy(
        "Serving: keep row caches small",
        "platform-engineer",
        _line("serving/features.py", "MAX_CACHED_ROWS = 100_000\n", "MAX_CACHED_ROWS = 50_000\n"),
    ),
    Decoy(
        "Gates: look at three moments by value",
        "ml-engineer",
        _line("platform/ontime/gates/leaks.py", "MOMENTS = 2\n", "MOMENTS = 3\n"),
        "Two moments of a fortnight can both fall into quiet hours.",
    ),
    Decoy(
        "Training: half a usual day is a day",
        "ml-engineer",
        _line("platform/ontime/training/data.py", "MIN_DAY_SHARE = 0.6\n", "MIN_DAY_SHARE = 0.5\n"),
        "Blizzards leave days at 55 %, and the window was refused for one.",
    ),
    Decoy(
        "Gates: more rounds, the latency ratio was unsteady",
        "platform-engineer",
        _line("platform/ontime/gates/latency.py", "ROUNDS = 15\n", "ROUNDS = 25\n"),
    ),
)


def decoys(tree: Tree, source: random.Random, count: int, near: set[str]) -> list[Change]:
    """`count` decoys that fit the finished tree, those in the files `near` first; all of them taken back in `tree`.

    They are of as many roles as they can be, and one of them changes behaviour.
    """
    fitting = [decoy for decoy in DECOYS if tree.get(decoy.edit.path, b"").decode().count(decoy.edit.new) == 1]
    source.shuffle(fitting)
    fitting.sort(key=lambda decoy: decoy.edit.path not in near)
    chosen = [decoy for decoy in fitting if decoy.edit.path in near][: min(count, max(1, count // 2))]
    while len(chosen) < min(count, len(fitting)):
        roles = {decoy.role for decoy in chosen}
        left = [decoy for decoy in fitting if decoy not in chosen]
        chosen.append(next((decoy for decoy in left if decoy.role not in roles), left[0]))
    if chosen and not any(decoy.changes_behaviour for decoy in chosen):
        roles_of = [decoy.role for decoy in chosen]
        twice = [place for place, role in enumerate(roles_of) if roles_of.count(role) > 1]
        chosen[twice[-1] if twice else -1] = next(decoy for decoy in fitting if decoy.changes_behaviour)
    for decoy in chosen:
        path = decoy.edit.path
        tree[path] = decoy.edit.reversed.applied(tree[path].decode()).encode()
    source.shuffle(chosen)
    return [Change(decoy.subject, decoy.role, (decoy.edit,), decoy.body) for decoy in chosen]


def addition(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    """One everyday commit in files outside `avoid`, taken back in `tree`; None when this try found nothing."""
    make = source.choices(
        (_tests_added, _page_grew, _docstrings_added, _alert_tested, _errors_say_more, _results_inlined),
        weights=(4, 2, 1, 2, 5, 4),
    )[0]
    made = make(tree, source, avoid)
    if made is None or len(made.subject) > 72:
        return None
    for path, content in made.before.items():
        if content is None:
            del tree[path]
        else:
            tree[path] = content
    return made


def addition_in(tree: Tree, source: random.Random, path: str, taken: Collection[str]) -> Addition | None:
    """One everyday commit in exactly this file, under a subject that is not taken; None when the file offers none."""
    others = set(tree) - {path}
    for _ in range(NEAR_TRIES):
        content = tree[path]
        made = addition(tree, source, others)
        if made is None:
            continue
        if made.subject not in taken and made.before.get(path) is not None:
            return made
        tree[path] = content
    made = _waited(tree, source, path) if path.endswith(".yml") else _worded(tree, source, path)
    if made is None or made.subject in taken:
        return None
    tree[path] = made.before[path] or b""
    return made


def _worded(tree: Tree, source: random.Random, path: str) -> Addition | None:
    """A comment or docstring in other words."""
    before = reworded(tree[path].decode(), source) if path.endswith(".py") else None
    if before is None or not _parses(before):
        return None
    what = path.rpartition("/")[2].removesuffix(".py").strip("_").replace("_", " ") or "package"
    return Addition(f"Plainer words in {what}", _role_of(path), {path: before.encode()})


def _waited(tree: Tree, source: random.Random, path: str) -> Addition | None:
    """An alert waits for some seconds more, or one of its tests goes on for longer."""
    text = tree[path].decode()
    found = list(WAITS.finditer(text))
    if not found:
        return None
    chosen = source.choice(found)
    before = text[: chosen.start(1)] + str(int(chosen[1]) - 2) + text[chosen.end(1) :]
    what = path.rpartition("/")[2].removesuffix(".yml")
    rule = "/rules/" in path
    subject = f"Alerts: {what} waits a little longer" if rule else f"Alerts: a longer look in the tests of {what}"
    return Addition(subject[:72], "platform-engineer", {path: before.encode()})


def _role_of(path: str) -> Role:
    if path.startswith(
        ("platform/ontime/ingest", "feature_repo", "tests/unit/ontime/ingest", "platform/ontime/features")
    ):
        return "data-engineer"
    if path.startswith(("monitoring", "tests/unit/monitoring")):
        return "platform-engineer"
    return "ml-engineer"


def _pick(tree: Tree, source: random.Random, avoid: set[str], pattern: str) -> str | None:
    paths = sorted(path for path in tree if re.match(pattern, path) and path not in avoid)
    return source.choice(paths) if paths else None


def _without(text: str, first: int, last: int) -> str:
    """The text without lines first..last (from 1) and the blank lines before them."""
    rows = text.splitlines(keepends=True)
    while first > 1 and not rows[first - 2].strip():
        first -= 1
    return "".join([*rows[: first - 1], *rows[last:]])


def _tests_added(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    path = _pick(tree, source, avoid, r"^tests/unit/.*/test_\w+\.py$")
    if path is None:
        return None
    text = tree[path].decode()
    tests = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    if len(tests) < 3:
        return None
    chosen = source.sample(tests, source.choice((1, 2)))
    for test in sorted(chosen, key=lambda t: -t.lineno):
        text = _without(text, min([test.lineno, *(d.lineno for d in test.decorator_list)]), test.end_lineno or 0)
    said = chosen[0].name.removeprefix("test_").replace("_", " ")
    return Addition(f"Test: {said}", _role_of(path), {path: text.encode()})


def _page_grew(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    path = _pick(tree, source, avoid, r"^(monitoring/runbooks|docs)/.*\.md$")
    if path is None:
        return None
    text = tree[path].decode()
    paragraphs = [m for m in re.finditer(r"\n\n(?=[A-Z])([^\n#|`][^\n]*\n?)+", text) if len(m.group(0)) > 80]
    if len(paragraphs) < 2:
        return None
    chosen = source.choice(paragraphs[1:])
    before = text[: chosen.start()] + "\n" * (not text[chosen.end() :].startswith("\n")) + text[chosen.end() :]
    name = path.rsplit("/", 1)[1].removesuffix(".md")
    verb = "Runbook" if "runbooks" in path else "Docs"
    return Addition(f"{verb}: say more in {name}"[:72], "on-call", {path: before.rstrip("\n").encode() + b"\n"})


CODE = r"^(platform/ontime|serving|monitoring|dags|feature_repo)/.*\.py$"


def _neighbours(tree: Tree, path: str, avoid: set[str]) -> list[str]:
    """Python files of the same directory that may be touched, `path` first."""
    home = path.rpartition("/")[0]
    others = sorted(p for p in tree if p.rpartition("/")[0] == home and p.endswith(".py") and p not in avoid)
    return [path, *(other for other in others if other != path)]


def _docstrings_added(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    """A few functions of one package get their docstrings."""
    path = _pick(tree, source, avoid, CODE)
    if path is None:
        return None
    before: dict[str, bytes | None] = {}
    for name in _neighbours(tree, path, avoid)[:3]:
        text = tree[name].decode()
        found = [
            (node.body[0].lineno, node.body[0].end_lineno or node.body[0].lineno)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and len(node.body) > 1 and ast.get_docstring(node)
        ]
        rows = text.splitlines(keepends=True)
        for first, last in sorted(source.sample(found, min(len(found), 3)), reverse=True):
            del rows[first - 1 : last]
        if found:
            before[name] = "".join(rows).encode()
    if not before:
        return None
    package = path.rpartition("/")[0].rpartition("/")[2]
    return Addition(f"Docstrings where {package} had none", _role_of(path), before)


def _errors_say_more(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    """Messages of raised errors get the sentence that names the remedy."""
    path = _pick(tree, source, avoid, CODE)
    if path is None:
        return None
    text = tree[path].decode()
    messages = [
        (node.lineno, match.group(0))
        for raised in ast.walk(ast.parse(text))
        if isinstance(raised, ast.Raise) and raised.exc is not None
        for node in ast.walk(raised.exc)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for match in re.finditer(r"(?<=\.) [A-Z][^.{}\"'\\]{8,70}\.$", node.value)
    ]
    rows = text.splitlines(keepends=True)
    changed = 0
    for number, sentence in messages:
        for index in range(number - 1, min(number + 3, len(rows))):
            if rows[index].count(f'{sentence}"') == 1:
                rows[index] = rows[index].replace(f'{sentence}"', '"')
                changed += 1
                break
    before = "".join(rows)
    if not changed or not _parses(before):
        return None
    what = path.rpartition("/")[2].removesuffix(".py").strip("_") or "package"
    return Addition(f"Errors of {what.replace('_', ' ')} name the remedy", _role_of(path), {path: before.encode()})


def _results_inlined(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    """Functions that named their result before they returned it return it at once."""
    path = _pick(tree, source, avoid, CODE)
    if path is None:
        return None
    before: dict[str, bytes | None] = {}
    for name in _neighbours(tree, path, avoid)[:3]:
        text = tree[name].decode()
        for _ in range(2):
            text = named_result(text, source, "result") or text
        if text != tree[name].decode() and _parses(text):
            before[name] = text.encode()
    if not before:
        return None
    package = path.rpartition("/")[0].rpartition("/")[2]
    return Addition(f"{package.capitalize()}: no names for what is returned at once", _role_of(path), before)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _alert_tested(tree: Tree, source: random.Random, avoid: set[str]) -> Addition | None:
    path = _pick(tree, source, avoid, r"^monitoring/prometheus/tests/\w+\.yml$")
    if path is None:
        return None
    name = path.rsplit("/", 1)[1].removesuffix(".yml")
    return Addition(f"Alerts: prove that {name} stays quiet and fires"[:72], "platform-engineer", {path: None})
