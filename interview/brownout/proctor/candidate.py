"""The candidate's routes. They know nothing that the candidate may not know."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response

from brownout import findings
from brownout.facts import Facts, FindingFacts
from brownout.interview import Interview
from brownout.portal import links as portal_links
from brownout.portal import stack_map, text, view
from brownout.proctor import auth, schemas
from brownout.proctor.responses import CONFLICT, DENIED, INVALID
from ontime.settings import environment

router = APIRouter(prefix="/candidate", tags=["candidate"], responses={**DENIED, **INVALID})
Mine = Annotated[Interview, Depends(auth.candidate)]
What = Literal["everything", "page", "time", "stack", "links", "how", "words", "findings", "hints", "hand-over"]


def vocabulary() -> schemas.Vocabulary:
    return schemas.Vocabulary(
        components=[schemas.Term(name=n, meaning=m) for n, m in findings.COMPONENTS.items()],
        failure_classes=[schemas.Term(name=n, meaning=m) for n, m in findings.FAILURE_CLASSES.items()],
    )


def links() -> dict[str, str]:
    here = environment()
    return {
        "dashboards": here.dashboards_url,
        "mlflow": here.mlflow_url,
        "airflow": here.airflow_pages,
        "prometheus": here.prometheus_url,
        "alertmanager": here.alertmanager_url,
        "serving": here.serving_url,
    }


def stated(finding: FindingFacts, facts: Facts) -> schemas.StatedFinding:
    """Without its verdict, unless the interview is closed."""
    closed = facts.state == "closed"
    return schemas.StatedFinding(
        number=finding.number,
        component=finding.component,
        failure_class=finding.failure_class,
        certainty=finding.certainty,
        text=finding.text,
        evidence=finding.evidence,
        repair=finding.repair,
        elapsed_seconds=finding.at.elapsed,
        verdict=finding.verdict if closed else None,
        reason=finding.reason if closed else None,
    )


@router.get("/interview")
def page(interview: Mine) -> schemas.Page:
    """The page from on-call, and the time."""
    facts, now = interview.facts(), time.time()
    return schemas.Page(
        interview=facts.interview,
        state=facts.state,
        brief=facts.brief if facts.started else "",
        ai_policy=facts.ai_policy,
        time_box_minutes=facts.time_box_minutes,
        elapsed_seconds=facts.elapsed_at(now),
        left_seconds=facts.left_at(now),
        hints_given=len(facts.hints),
        findings_stated=len(facts.findings),
        handed_over=facts.hand_over is not None,
        speed=interview.harness.speed,
        world=interview.world(),
        links=links(),
    )


@router.get("/stack")
def stack(interview: Mine) -> stack_map.StackMap:
    """The map of the stack, healthy against now, as the platform's own monitoring tells it."""
    return stack_map.look(environment().dashboards_url)


@router.get(
    "/text/{what}",
    responses={**DENIED, **INVALID, 200: {"content": {"text/plain": {}}}},
    response_class=Response,
)
def as_text(interview: Mine, what: What) -> Response:
    """The portal as text."""
    return Response(_text(interview, what), media_type="text/plain; charset=utf-8")


def _text(interview: Interview, what: What) -> str:
    shown, known = view.of(interview), portal_links.direct(environment(), interview.harness)
    match what:
        case "page":
            return text.page(shown)
        case "time":
            return text.time_left(shown)
        case "stack":
            return text.stack(stack(interview))
        case "links":
            return text.links(known)
        case "how":
            return text.how()
        case "words":
            return text.words()
        case "findings":
            return text.findings(shown)
        case "hints":
            return text.hints(shown)
        case "hand-over":
            return text.hand_over(shown)
    return text.everything(shown, stack(interview), known)


@router.get("/vocabulary")
def words(interview: Mine) -> schemas.Vocabulary:
    """The words of a finding."""
    return vocabulary()


@router.get("/findings")
def my_findings(interview: Mine) -> list[schemas.StatedFinding]:
    """What has been stated so far."""
    facts = interview.facts()
    return [stated(finding, facts) for finding in facts.findings]


@router.post("/findings", status_code=201, responses=CONFLICT)
def post_finding(interview: Mine, body: schemas.NewFinding) -> schemas.StatedFinding:
    """States a finding. A suspicion is never counted against anyone; a conclusion is judged."""
    finding = interview.state_finding("candidate", **body.model_dump())
    facts = interview.facts()
    return next(stated(f, facts) for f in facts.findings if f.number == finding.finding)


@router.get("/hints")
def my_hints(interview: Mine) -> list[schemas.GivenHint]:
    """The hints given so far."""
    return [schemas.GivenHint(number=hint.number, text=hint.text) for hint in interview.facts().hints]


@router.post("/hints", status_code=201, responses=CONFLICT)
def ask_hint(interview: Mine) -> schemas.GivenHint:
    """Asks for the next hint; it is recorded."""
    hint = interview.next_hint("candidate")
    return schemas.GivenHint(number=hint.number, text=hint.text)


@router.get("/hand-over")
def my_hand_over(interview: Mine) -> schemas.HandOver | None:
    """The hand-over note, null when there is none yet."""
    note = interview.facts().hand_over
    return None if note is None else schemas.HandOver(text=note.text, elapsed_seconds=note.at.elapsed)


@router.put("/hand-over", responses=CONFLICT)
def hand_over(interview: Mine, body: schemas.NewHandOver) -> schemas.HandOver:
    """Leaves a note for whoever is on call next; it replaces an earlier one."""
    interview.hand_over("candidate", body.text)
    note = interview.facts().hand_over
    assert note is not None  # noqa: S101 - just written
    return schemas.HandOver(text=note.text, elapsed_seconds=note.at.elapsed)
