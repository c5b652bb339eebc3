"""The page from on-call in its parts: who noticed what and since when, what it costs, what is asked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

COST = "What it costs:"
ASK = "Find out"


class Brief(BaseModel):
    """A brief that follows no pattern is all `noticed`; nothing of it is ever lost."""

    model_config = ConfigDict(frozen=True)

    heading: str
    noticed: tuple[str, ...]
    cost: str = ""
    asked: str = ""


def parse(text: str) -> Brief:
    """Paragraphs are divided by empty lines; the first is the heading when it is one line that begins with `Page`."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    heading = ""
    if len(paragraphs) > 1 and paragraphs[0].startswith("Page"):
        heading = paragraphs.pop(0).rstrip(".")
    cost = next((p for p in paragraphs if p.startswith(COST)), "")
    asked = next((p for p in reversed(paragraphs) if p.startswith(ASK)), "")
    noticed = tuple(p for p in paragraphs if p not in (cost, asked))
    told = cost.removeprefix(COST).strip()
    return Brief(heading=heading, noticed=noticed, cost=told[:1].upper() + told[1:], asked=asked)
