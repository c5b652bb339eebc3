"""Runbooks: Markdown files named after their alerts, as HTML."""

from __future__ import annotations

from markdown_it import MarkdownIt

from monitoring.alerts import RUNBOOKS, alerts

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def names() -> list[str]:
    """In the order of the alerts."""
    return list(alerts())


def html(name: str) -> str | None:
    """The runbook's body; None when the alert or its runbook does not exist."""
    if name not in alerts():
        return None
    try:
        text = (RUNBOOKS / f"{name}.md").read_text()
    except FileNotFoundError:
        return None
    rendered: str = _MARKDOWN.render(text)
    # What scrolls sideways must be reached by keyboard too.
    return rendered.replace("<pre>", '<pre tabindex="0">')
