"""`brownout up`, `down`, `status`, `reset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from brownout.cli.shared import Json, lifecycle, say, telling
from ontime.cli.output import OUT

if TYPE_CHECKING:
    from brownout.stack import StackStatus

CONSOLE = "console (yours)"


def up(as_json: Json = False) -> None:
    """Start platform, world, proctor and the interviewer's Prometheus; wait for the first prediction.

    Example: brownout up
    """
    from brownout.settings import harness
    from brownout.stack import Stack
    from ontime.settings import environment

    with telling() as tell:
        stack = Stack(harness(), environment(), tell)
        seconds = stack.up()
    if behind := stack.behind():
        say(f"The platform's code is not this checkout's HEAD: {behind}. `make reset` brings it there.", "yellow")
    if as_json:
        OUT.data({"seconds": round(seconds, 1), "urls": dict(_urls()), "port_forwards": _leads()})
        return
    _table()
    if leads := _leads():
        say("These lead there, for as long as they run:", "yellow")
        print("\n".join(f"  {command}" for command in leads))
    say(f"Up after {seconds:.0f} s. Next: make scenarios, then make interview SCENARIO=junior-01", "green")


def down(as_json: Json = False) -> None:
    """Stop both halves and leave no process behind. State stays.

    Example: brownout down
    """
    from brownout.settings import harness
    from brownout.stack import Stack
    from ontime.settings import environment

    with telling() as tell:
        Stack(harness(), environment(), tell).down()
    if as_json:
        OUT.data({"down": True})


def status(as_json: Json = False) -> None:
    """Tell how platform, harness, world and interview are. Exit code 0 when all that `up` starts is ready, else 1.

    Examples: brownout status · brownout status --json
    """
    from dataclasses import asdict

    from brownout.settings import harness
    from brownout.stack import Stack
    from ontime.settings import environment

    found = Stack(harness(), environment(), lambda *_: None).status()
    if as_json:
        OUT.data({**asdict(found), "ready": found.ready})
    else:
        _show(found)
    raise typer.Exit(0 if found.ready else 1)


def reset(
    baseline: Annotated[str, typer.Option(help="The baseline to return to.")] = "may",
    as_json: Json = False,
) -> None:
    """Return to a healthy stack, whatever state it is in. An interview under way is given up.

    Example: brownout reset
    """
    with telling() as tell:
        lifecycle(tell).reset(baseline)
    if as_json:
        OUT.data({"baseline": baseline})
        return
    say(f"The stack stands at baseline {baseline} and is healthy.", "green")


STYLES = {"ready": "green", "starting": "yellow", "not ready": "yellow", "stopped": "dim"}


def _show(found: StackStatus) -> None:
    from dataclasses import asdict

    from rich.markup import escape
    from rich.table import Table

    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("half", "part", "state", "port", "why"):
        view.add_column(heading)
    rows: list[dict[str, Any]] = [
        *({**row, "half": "platform"} for row in found.platform.get("components", [])),
        *({"half": "harness", **asdict(part)} for part in found.harness),
    ]
    for row in rows:
        style = STYLES.get(row["state"], "red")
        reason = escape(str(row.get("why") or ""))
        view.add_row(row["half"], row["name"], f"[{style}]{row['state']}[/]", str(row.get("port") or ""), reason)
    OUT.people.print(view)
    if why := found.platform.get("why"):
        say(str(why), "red")
    say(f"world: {_world(found.world)}", "" if found.world else "yellow")
    say(f"interview: {_interview(found.interview)}")


def _world(told: dict[str, Any] | None) -> str:
    from brownout.scorecard.render import world_time

    if told is None:
        return "does not answer"
    pace = "frozen" if told["frozen"] else f"{told['speed']:g}×"
    return f"{world_time(told['world'])} New York, {pace}, {told.get('answers', 0)} answers"


def _interview(told: dict[str, Any] | None) -> str:
    import psutil

    from brownout.scorecard.render import duration

    if told is None:
        return "none"
    words = f"{told['interview']} ({told['scenario']}) is {told['state']}"
    if told["state"] == "preparing" and not psutil.pid_exists(told["pid"]):
        return f"{words}, but its process {told['pid']} is gone; last step: {told['last_step']}. Remedy: brownout reset"
    if told["left_seconds"] is not None and told["state"] in ("running", "paused"):
        words += f", {duration(told['left_seconds'])} left"
    return words + (", frozen" if told["frozen"] else "") + (", probes still look" if told["watching"] else "")


def _urls() -> list[tuple[str, str]]:
    from brownout.kind import places
    from brownout.settings import harness
    from ontime.settings import environment

    here, ours = environment(), harness()
    if not places.first(here):
        return places.pages(ours)
    return [
        ("dashboards", here.dashboards_url),
        ("MLflow", here.mlflow_url),
        ("Airflow", here.airflow_pages),
        ("Prometheus", here.prometheus_url),
        ("Alertmanager", here.alertmanager_url),
        ("serving", here.serving_url),
        ("ingest", here.ingest_url),
        (CONSOLE, ours.console_url),
        ("proctor (yours)", ours.proctor_url),
        ("Prometheus (yours)", ours.prometheus_url),
    ]


def _leads() -> list[str]:
    from brownout.kind import places
    from brownout.settings import harness
    from ontime.settings import environment

    return places.leads(environment(), harness())


def _table() -> None:
    from rich.table import Table

    view = Table(box=None, pad_edge=False, header_style="bold")
    view.add_column("what")
    view.add_column("where")
    for name, url in _urls():
        view.add_row(name, f"{url}, opened by `make console`" if name == CONSOLE else url)
    OUT.people.print(view)


def add_to(app: typer.Typer) -> None:
    for command in (up, down, status, reset):
        app.command()(command)
