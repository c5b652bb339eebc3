"""A proof as a table on the terminal, and what its minutes were spent on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from brownout.proof.prove import Proved
from brownout.proof.rows import Row, spent

WHY_WIDTH = 90


def steps(proved: Proved) -> Table:
    """One line a step, with the phases that took longest."""
    view = Table(box=None, pad_edge=False, header_style="bold", title=proved.setting.fault.id, title_justify="left")
    for heading in ("step", "kind", "outcome", "seconds", "spent on", "why"):
        view.add_column(heading, justify="right" if heading == "seconds" else "left")
    for row in proved.rows:
        style = "green" if row.outcome == "proved" else "red"
        why = row.why if row.outcome == "dishonest" else row.why[:WHY_WIDTH]
        phases = ", ".join(f"{name} {seconds:.0f}" for name, seconds in spent([row]).items() if seconds >= 1)
        view.add_row(row.step, row.kind, f"[{style}]{row.outcome}[/]", f"{row.seconds:.0f}", phases, escape(why))
    return view


def minutes(rows: Sequence[Row]) -> Table:
    """Minutes by phase over all steps, most first."""
    view = Table(box=None, pad_edge=False, header_style="bold", title="spent on", title_justify="left")
    view.add_column("phase")
    view.add_column("minutes", justify="right")
    view.add_column("share", justify="right")
    whole = sum(row.seconds for row in rows)
    for phase, seconds in spent(list(rows)).items():
        view.add_row(phase, f"{seconds / 60:.1f}", f"{seconds / max(whole, 1e-9):.0%}")
    view.add_row("in all", f"{whole / 60:.1f}", "", style="bold")
    return view


def as_json(proved: Proved) -> dict[str, Any]:
    """Everything of one proof that a program may want."""
    return {
        "fault": proved.setting.fault.id,
        "scenario": proved.setting.scenario,
        "baseline": proved.setting.baseline,
        "parameters": dict(proved.setting.parameters),
        "seed": proved.setting.seed,
        "key": proved.key,
        "fault_key": proved.fault_key,
        "honest": proved.honest,
        "short": proved.short,
        "seconds": sum(row.seconds for row in proved.rows),
        "spent": spent(list(proved.rows)),
        "rows": [asdict(row) for row in proved.rows],
    }
