"""Harmless differences from the public repository, so that comparing with it does not point at one commit."""

from __future__ import annotations

import ast
import io
import random
import re
import tokenize
from collections.abc import Callable, Sequence

from brownout.errors import PreparationError
from brownout.history.tree import Tree
from ontime.errors import ConfigError

MIN_HUNKS, MIN_FILES = 16, 10
SOURCES = ("platform/ontime/", "serving/", "monitoring/", "dags/", "feature_repo/")
WORDS = {
    r"\bat least\b": "no fewer than",
    r"\bat most\b": "no more than",
    r"\bonly when\b": "just when",
    r"\bonly once\b": "just once",
    r"\bmust never\b": "may never",
    r"\bevery\b": "each",
    r"\bbecause\b": "since",
    r"\ball of\b": "the whole of",
    r"\banew\b": "afresh",
    r"\bin order to\b": "to",
    r"\bnewest\b": "latest",
    r"\boldest first\b": "in order of age",
    r"\bnewest first\b": "latest first",
    r"\bgiven\b": "passed",
    r"\bcomputed\b": "calculated",
    r"\bcannot\b": "can't",
    r"\bwhen there is none\b": "if there is none",
}
HARMLESS_SETTINGS = (
    ("poll_seconds = 2.0", ("poll_seconds = 1.5", "poll_seconds = 2.5")),
    ("feature_cache_seconds = 0.5", ("feature_cache_seconds = 0.4", "feature_cache_seconds = 0.6")),
    ("flush_seconds = 1.0", ("flush_seconds = 0.8", "flush_seconds = 1.2")),
    ("max_calibration_error = 0.08", ("max_calibration_error = 0.075", "max_calibration_error = 0.085")),
)
HARMLESS_WAITS = {"for: 20s": "for: 25s", "for: 30s": "for: 35s", "for: 45s": "for: 40s", "for: 1m": "for: 50s"}
HARMLESS_LENGTHS = {"x60'": "x66'", "x72'": "x66'"}
Holds = Callable[[Tree], None]
"""Raises `ConfigError` when an edit that must fit the tree does not."""


def scatter(tree: Tree, source: random.Random, wanted: Sequence[str], holds: Holds) -> list[str]:
    """Changes `tree` in place, harmlessly: the `wanted` files first, then others. Returns the changed paths.

    Raises `PreparationError` when too little could be changed for the culprit to hide in.
    """
    code = [path for path in tree if path.startswith(SOURCES) and path.endswith(".py")]
    source.shuffle(code)
    order = [path for path in wanted if path in tree and path.endswith((".py", ".yml"))]
    order += [path for path in code if path not in order]
    changed: list[str] = []
    for path in ("ontime.toml", *order):
        done = len(changed) >= MIN_HUNKS and len(set(changed)) >= MIN_FILES
        if done and path not in wanted:
            break
        for draft in _drafts(path, tree[path].decode(), source):
            old = tree[path]
            tree[path] = draft.encode()
            try:
                holds(tree)
            except ConfigError:
                tree[path] = old
                continue
            changed.append(path)
    if len(changed) < MIN_HUNKS or len(set(changed)) < MIN_FILES:
        raise PreparationError(f"Only {len(changed)} harmless differences in {len(set(changed))} files could be made.")
    return changed


def _drafts(path: str, text: str, source: random.Random) -> list[str]:
    """One or two changed versions of a file, the second on top of the first; none when it offers nothing."""
    drafts: list[str] = []
    for change in _changes(path):
        draft = change(text, source)
        if draft is not None and draft != text and _parses(path, draft):
            drafts.append(draft)
            text = draft
    return drafts


def _changes(path: str) -> tuple[Callable[[str, random.Random], str | None], ...]:
    if path == "ontime.toml":
        return (_retuned,)
    return (_rewaited,) if path.endswith(".yml") else (reworded, named_result)


def _rewaited(text: str, source: random.Random) -> str | None:
    """One alert waits a few seconds more or less, or one of its tests is a little longer."""
    found = [
        (match.start(), old, new)
        for old, new in (HARMLESS_WAITS | HARMLESS_LENGTHS).items()
        for match in re.finditer(rf"{re.escape(old)}$", text, re.MULTILINE)
    ]
    if not found:
        return None
    at, old, new = source.choice(found)
    return text[:at] + new + text[at + len(old) :]


def _parses(path: str, text: str) -> bool:
    if not path.endswith(".py"):
        return True
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return all(len(line) <= 120 for line in text.splitlines())


def _retuned(text: str, source: random.Random) -> str | None:
    fitting = [(old, new) for old, new in HARMLESS_SETTINGS if text.count(f"\n{old}\n") == 1]
    if not fitting:
        return None
    old, new = source.choice(fitting)
    return text.replace(f"\n{old}\n", f"\n{source.choice(new)}\n")


def _prose_lines(text: str) -> set[int]:
    """Numbers of the lines that hold nothing but a comment, or lie inside a docstring."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line.strip().startswith("#"):
            lines.add(token.start[0])
    return lines


def reworded(text: str, source: random.Random) -> str | None:
    """One phrase of a comment or docstring in other words."""
    rows = text.splitlines(keepends=True)
    found = [
        (number, pattern)
        for number in sorted(_prose_lines(text))
        for pattern in WORDS
        if re.search(pattern, rows[number - 1])
    ]
    if not found:
        return None
    number, pattern = source.choice(found)
    rows[number - 1] = re.sub(pattern, WORDS[pattern], rows[number - 1], count=1)
    return "".join(rows)


def named_result(text: str, source: random.Random, name: str = "found") -> str | None:
    """`return f(x)` at the end of a function becomes a name and its return."""
    rows = text.splitlines(keepends=True)
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or len(node.body) < 2:
            continue
        last = node.body[-1]
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {a.arg for a in node.args.args}
        if (
            isinstance(last, ast.Return)
            and isinstance(last.value, ast.Call)
            and last.lineno == last.end_lineno
            and name not in names
            and len(rows[last.lineno - 1]) < 110
            and not any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node))
        ):
            found.append(last.lineno)
    if not found:
        return None
    number = source.choice(sorted(found))
    row = rows[number - 1]
    indent = row[: len(row) - len(row.lstrip())]
    rows[number - 1] = f"{indent}{name} = {row.strip().removeprefix('return ')}\n{indent}return {name}\n"
    return "".join(rows)
