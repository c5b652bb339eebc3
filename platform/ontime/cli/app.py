"""The commands of `ontime`. Each is a line or two over a use case; imports wait until the command runs."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import typer

from ontime.cli import deploys, running, settings, tree
from ontime.cli.output import OUT
from ontime.errors import OntimeError

PARTS: dict[str, str] = {
    "dag": "ontime.cli.dag",
    "past": "ontime.cli.past",
    "registry": "ontime.cli.registry",
    "warehouse": "ontime.cli.warehouse",
    "bootstrap": "ontime.cli.bootstrap",
}
"""Sub-commands that parts bring along: a module with a typer app called `app`, quick to import."""

app = typer.Typer(
    name="ontime",
    help="Run the platform: start and stop it, see how it is, change the code it runs from.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    no_color: bool = typer.Option(False, "--no-color", help="Plain text; NO_COLOR=1 does the same."),
) -> None:
    if no_color:
        OUT.without_colour()


running.add_to(app)
deploys.add_to(app)
settings.add_to(app)
tree.add_to(app)
for name, module in PARTS.items():
    if find_spec(module) is not None:
        app.add_typer(import_module(module).app, name=name)


def keep_traceback() -> Path:
    """Writes the traceback of the exception being handled to a file for whoever wants it."""
    descriptor, path = tempfile.mkstemp(prefix="ontime-", suffix=".traceback")
    with os.fdopen(descriptor, "w") as file:
        traceback.print_exc(file=file)
    return Path(path)


def main() -> int:
    """Runs the command line; the exit code says how it went. An error is one line first, never a traceback."""
    try:
        code = app(standalone_mode=False)
    except OntimeError as error:
        OUT.complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        OUT.complain("interrupted")
        return 130
    except typer.Exit as request:
        return request.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception as error:
        shown = getattr(error, "format_message", None)
        if shown is not None:
            OUT.complain(shown())
            return int(getattr(error, "exit_code", 2))
        OUT.complain(f"unexpected {type(error).__name__}: {error}\nThe traceback is in {keep_traceback()}")
        return 70
    return code if isinstance(code, int) else 0
