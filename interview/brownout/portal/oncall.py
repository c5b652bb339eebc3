"""On call from a terminal: the page, the stack, findings, hints and the hand-over note, as text."""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SHOWN = {
    "page": "who noticed what, since when, what it costs",
    "time": "time left, both clocks",
    "stack": "the map of the stack, healthy against now",
    "links": "where the pages are",
    "how": "how to deploy, undo, restart, roll back",
    "words": "the components and failure classes of a finding",
    "findings": "what was stated so far",
    "hints": "the hints given so far, and what a hint costs",
}


def ask(path: str, body: dict[str, Any] | None = None, method: str | None = None) -> str:
    """The answer as text, or a sentence on standard error and exit code 1 (refused) or 2 (nobody answers)."""
    try:
        place = json.loads(Path(os.environ["ONCALL"]).read_text())
    except (KeyError, OSError, ValueError):
        sys.exit("error: ONCALL does not name a readable file. Use a terminal of JupyterLab, from the start on.")
    request = urllib.request.Request(  # noqa: S310 - the address is the harness's own
        f"{place['url'].rstrip('/')}/candidate/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {place['code']}", "Content-Type": "application/json"},
        method=method or ("GET" if body is None else "POST"),
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        print(f"error: {reason(error)}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        print(f"error: nobody answers at {place['url']}: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def reason(error: urllib.error.HTTPError) -> str:
    try:
        told = json.loads(error.read())
    except ValueError:
        return f"the answer was {error.code}"
    if "errors" in told:
        return "; ".join(f"{e['field'].removeprefix('body.')}: {e['reason']}" for e in told["errors"])
    return str(told.get("error", f"the answer was {error.code}"))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="oncall", description=__doc__, epilog="`oncall` alone shows everything.")
    verbs = made.add_subparsers(dest="verb", metavar="")
    for name, meaning in SHOWN.items():
        verbs.add_parser(name, help=meaning)
    finding = verbs.add_parser("finding", help="state one: oncall finding serving slow_model 'what and why'")
    finding.add_argument("component")
    finding.add_argument("failure_class", metavar="class")
    finding.add_argument("text", help="what is wrong, and why")
    finding.add_argument("--evidence", default="")
    finding.add_argument("--repair", default="")
    finding.add_argument("--suspicion", action="store_true", help="still looking; a conclusion otherwise")
    hint = verbs.add_parser("hint", help="take the next hint; it stands on the scorecard")
    hint.add_argument("--yes", action="store_true", help="do not ask again")
    note = verbs.add_parser("hand-over", help="read the hand-over note, or leave one; `-` reads standard input")
    note.add_argument("text", nargs="?")
    return made


def hint(sure: bool) -> None:
    if not sure:
        print(ask("text/hints"))
        if input("Take a hint? It cannot be given back. [y/N] ").strip().lower() not in ("y", "yes"):
            return
    told = json.loads(ask("hints", method="POST"))
    print(f"Hint {told['number']}: {told['text']}")


def main() -> None:
    given = parser().parse_args()
    if given.verb is None:
        print(ask("text/everything"), end="")
    elif given.verb in SHOWN:
        print(ask(f"text/{given.verb}"), end="")
    elif given.verb == "finding":
        body = {name: getattr(given, name) for name in ("component", "failure_class", "text", "evidence", "repair")}
        told = json.loads(ask("findings", {**body, "certainty": "suspicion" if given.suspicion else "conclusion"}))
        print(f"Written down as {told['certainty']} {told['number']}.")
    elif given.verb == "hint":
        hint(given.yes)
    elif given.text is None:
        print(ask("text/hand-over"), end="")
    else:
        ask("hand-over", {"text": sys.stdin.read() if given.text == "-" else given.text}, "PUT")
        print("Left for the next on call.")


if __name__ == "__main__":
    main()
