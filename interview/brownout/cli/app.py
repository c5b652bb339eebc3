"""The commands of `brownout`. Each is a few lines over a use case; imports wait until the command runs."""

from __future__ import annotations

import sys

import typer

from brownout.cli import checks, conduct, pages, proving, records, running
from brownout.kind import outside
from ontime.cli.app import keep_traceback
from ontime.cli.output import OUT
from ontime.errors import OntimeError

app = typer.Typer(
    name="brownout",
    help="Run interviews: prepare a scenario, watch, judge findings, read the scorecard.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    no_color: bool = typer.Option(False, "--no-color", help="Plain text; NO_COLOR=1 does the same."),
    namespace: str = typer.Option("", help="On kind: the platform's namespace, so that several run side by side."),
) -> None:
    del namespace  # taken from the arguments before anything is parsed
    if no_color:
        OUT.without_colour()


for part in (running, conduct, pages, records, checks, proving):
    part.add_to(app)


def main() -> int:
    """Runs the command line; the exit code says how it went. An error is one line first, never a traceback."""
    try:
        rest = outside.take_namespace(sys.argv[1:])
        code = outside.main(rest) if outside.wanted(rest) else app(rest, standalone_mode=False)
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
