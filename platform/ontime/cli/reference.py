"""The reference pages, made from the code: whatever the code says is what they say."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

PLACE = Path("docs/reference")
MADE = "<!-- Made from the code by `make docs`; `make docs-check` compares. -->\n"
SOURCES = ("platform/ontime", "serving", "monitoring", "dags")
METRIC_KINDS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
FAMILIES = {f"{kind}MetricFamily": kind for kind in METRIC_KINDS}


def pages(root: Path) -> dict[str, str]:
    """File name and text of every page, for the tree at `root`."""
    return {
        "settings.md": MADE + settings(),
        "metrics.md": MADE + metrics(root),
        "alerts.md": MADE + alerts(root),
        "cli.md": MADE + command_line(),
    }


def stale(root: Path, made: dict[str, str]) -> list[str]:
    """Pages that are missing or say something else."""
    return [name for name, text in made.items() if _read(root / PLACE / name) != text]


def write(root: Path, made: dict[str, str]) -> None:
    (root / PLACE).mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (root / PLACE / name).write_text(text)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table, an empty line after it."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(headings), line(tuple("---" for _ in headings)), *(line(row) for row in rows), ""])


def settings() -> str:
    from ontime.settings import Behaviour, Environment

    parts = [
        "# Settings\n",
        "## Addresses and paths: the environment\n",
        "Only environment variables; `ontime config` shows what is in effect.\n",
        variables(Environment),
        "## What the platform decides: `ontime.toml`\n",
        "Tracked with the code and deployed with it. Unknown keys are refused.\n",
    ]
    for section, field in Behaviour.model_fields.items():
        parts.append(f"### `[{section}]`\n")
        assert isinstance(field.annotation, type)  # noqa: S101
        parts.append(
            table(
                ("key", "type", "default", "meaning"),
                [(f"`{name}`", *cells) for name, cells in _fields(field.annotation)],
            )
        )
    return "\n".join(parts)


def variables(model: type[BaseSettings]) -> str:
    """The environment variables that `model` is read from, as a table."""
    prefix = model.model_config.get("env_prefix", "")
    rows = [(f"`{prefix}{name.upper()}`", *cells) for name, cells in _fields(model)]
    return table(("variable", "type", "default", "meaning"), rows)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    home = str(Path.home())
    for name, field in model.model_fields.items():
        default = "" if field.default is PydanticUndefined else str(field.default).replace(home, "~")
        kind = getattr(field.annotation, "__name__", str(field.annotation)).replace("pathlib.", "")
        if "Literal" in str(field.annotation):
            kind = " or ".join(f"`{value}`" for value in getattr(field.annotation, "__args__", ()))
        bounds = ", ".join(text for limit in field.metadata if (text := _bound(limit)))
        yield name, (f"{kind} {bounds}".strip(), f"`{default}`" if default else "", field.description or "")


def _bound(limit: Any) -> str:
    for attribute, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤")):
        value = getattr(limit, attribute, None)
        if value is not None:
            return f"{sign} {value}"
    return ""


@dataclass(frozen=True, slots=True, order=True)
class Metric:
    name: str
    kind: str
    labels: str
    meaning: str
    component: str


def metrics(root: Path) -> str:
    found = sorted({metric for place in SOURCES for metric in _metrics_below(root, root / place)})
    rows = [(f"`{m.name}`", m.kind, m.labels, m.meaning, m.component) for m in found]
    return "\n".join(["# Metrics\n", table(("metric", "type", "labels", "meaning", "of"), rows)])


def _metrics_below(root: Path, place: Path) -> Iterator[Metric]:
    for path in sorted(place.rglob("*.py")):
        parts = path.relative_to(root).parts
        component = "/".join(parts[1:3] if parts[0] == "platform" else parts[:2]).removesuffix(".py")
        nodes = list(ast.walk(ast.parse(path.read_text())))
        for node in nodes:
            if isinstance(node, ast.Call) and (metric := _metric(node, component)):
                yield metric
        yield from _collected(nodes, component)


def _collected(nodes: list[ast.AST], component: str) -> Iterator[Metric]:
    """The gauges of a collector: a mapping from name to meaning, and `sample(name, value, label=…)` for the labels."""
    labels: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and (name := _text(node.args[0])):
            labels.setdefault(name, set()).update(keyword.arg for keyword in node.keywords if keyword.arg)
    for node in nodes:
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name, meaning = _text(key), _text(value)
                if name and meaning and name.startswith("ontime_"):
                    shown = ", ".join(f"`{label}`" for label in sorted(labels.get(name, ())))
                    yield Metric(name, "gauge", shown, meaning, component)


def _metric(call: ast.Call, component: str) -> Metric | None:
    """The metric that a call makes, when its name is written out there."""
    called = getattr(call.func, "attr", getattr(call.func, "id", ""))
    kind = called if called in METRIC_KINDS else FAMILIES.get(called)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    name = _text(call.args[0] if call.args else given.get("name"))
    if kind is None or name is None or not name.startswith("ontime_"):
        return None
    meaning = _text(call.args[1] if len(call.args) > 1 else given.get("documentation")) or ""
    labels = call.args[2] if len(call.args) > 2 else given.get("labelnames", given.get("labels"))
    names = [_text(item) or "…" for item in labels.elts] if isinstance(labels, ast.List | ast.Tuple) else []
    if kind == "Counter" and not name.endswith("_total"):
        name += "_total"
    return Metric(name, kind.lower(), ", ".join(f"`{label}`" for label in names), meaning, component)


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def alerts(root: Path) -> str:
    parts = ["# Alerts\n"]
    rules = root / "monitoring" / "prometheus" / "rules"
    rows: list[tuple[str, ...]] = []
    recorded: list[tuple[str, ...]] = []
    for path in sorted(rules.glob("*.y*ml")) if rules.is_dir() else []:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    name = rule["alert"]
                    runbook = f"monitoring/runbooks/{name}.md"
                    linked = f"[{name}](../../{runbook})" if (root / runbook).exists() else name
                    summary = str(rule.get("annotations", {}).get("summary", ""))
                    severity = str(rule.get("labels", {}).get("severity", ""))
                    rows.append((linked, severity, str(rule.get("for", "0s")), _code(rule["expr"]), summary))
                else:
                    recorded.append((f"`{rule['record']}`", _code(rule["expr"])))
    parts.append("`for` is wall time. A `page` wakes somebody; a `ticket` waits for the morning.\n")
    parts.append(table(("alert", "severity", "for", "when", "says"), sorted(rows)))
    parts.append("## Recorded series\n")
    parts.append(table(("series", "expression"), sorted(recorded)))
    return "\n".join(parts)


def _code(expression: object) -> str:
    return f"`{' '.join(str(expression).split())}`"


def command_line() -> str:
    import typer

    from ontime.cli.app import app

    parts = ["# Command line\n", "`$ONTIME_STATE/bin/ontime`, or `python -m ontime.cli` in a checkout.\n"]
    parts += commands_of(typer.main.get_command(app), "ontime")
    return "\n".join(parts)


def commands_of(command: Any, path: str) -> Iterator[str]:
    """A section for every command below `command`."""
    children = getattr(command, "commands", {})
    if not children or getattr(command, "invoke_without_command", False):
        yield from _command(command, path)
    for name in sorted(children):
        yield from commands_of(children[name], f"{path} {name}")


def _command(command: Any, path: str) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    shown = " ".join(f"[{p.name.upper()}]" if not p.required else p.name.upper() for p in arguments)
    yield f"## `{f'{path} {shown}'.strip()}`\n"
    yield _prose(getattr(command.callback, "__doc__", None) or command.help or "") + "\n"
    rows = [(f"`{p.name.upper()}`", getattr(p, "help", None) or "") for p in arguments]
    rows += [(", ".join(f"`{name}`" for name in (*p.opts, *p.secondary_opts)), p.help or "") for p in options]
    if rows:
        yield table(("argument or option", "meaning"), rows)


def _prose(text: str) -> str:
    """Help text with its examples as code."""
    cleaned = inspect.cleandoc(text)
    return re.sub(
        r"^Examples?: (.+)$",
        lambda found: "\n".join(["```sh", *found.group(1).split(" · "), "```"]),
        cleaned,
        flags=re.MULTILINE,
    )
