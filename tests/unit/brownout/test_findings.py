from __future__ import annotations

import pytest

from brownout import entries as e
from brownout import findings
from brownout.errors import FindingError
from brownout.faults import vocabulary
from ontime.errors import UnknownNameError

RIGHT, HALF = ("ingest", "stale_data"), ("feature_repo", "stale_data")


def test_the_words_are_those_of_the_faults() -> None:
    assert tuple(findings.COMPONENTS) == vocabulary.COMPONENTS
    assert tuple(findings.FAILURE_CLASSES) == vocabulary.FAILURE_CLASSES


@pytest.mark.parametrize("spelling", ["stale_data", "stale-data", "Stale Data", " STALE_DATA "])
def test_spelling_is_forgiven(spelling: str) -> None:
    assert findings.failure_class(spelling) == "stale_data"


def test_an_unknown_word_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"component 'ingets'. Did you mean ingest"):
        findings.component("ingets")
    with pytest.raises(UnknownNameError, match=r"failure class 'stale'. Did you mean .*stale_data"):
        findings.failure_class("stale")


@pytest.mark.parametrize(
    ("pair", "verdict", "fault"),
    [
        (("ingest", "stale_data"), "confirmed", "stuck"),
        (("feature_repo", "stale_data"), "partial", "stuck"),
        (("ingest", "slow_model"), "partial", "stuck"),
        (("serving", "stale_data"), "partial", "stuck"),
        (("registry", "bad_promotion"), "confirmed", "slow"),
        (("warehouse", "label_leakage"), "refused", None),
        (("none", "nothing_is_broken"), "refused", None),
    ],
)
def test_the_best_of_all_faults_is_suggested(
    stale: e.FaultRecord, slow: e.FaultRecord, pair: tuple[str, str], verdict: str, fault: str | None
) -> None:
    suggested = findings.suggest((stale, slow), pair)

    assert (suggested.verdict, suggested.fault) == (verdict, fault)


@pytest.mark.parametrize(
    ("pair", "verdict"), [(("none", "nothing_is_broken"), "confirmed"), (("ingest", "stale_data"), "refused")]
)
def test_without_a_fault_only_healthy_is_right(pair: tuple[str, str], verdict: str) -> None:
    assert findings.suggest((), pair, "parity is zero").verdict == verdict


def test_healthy_without_evidence_is_half_right() -> None:
    suggested = findings.suggest((), findings.HEALTHY, "  ")

    assert (suggested.verdict, suggested.why) == ("partial", "It is healthy; what shows it is not said.")


@pytest.mark.parametrize("pair", [("none", "stale_data"), ("ingest", "nothing_is_broken")])
def test_half_of_healthy_is_refused(stale: e.FaultRecord, pair: tuple[str, str]) -> None:
    with pytest.raises(FindingError, match="stated together or not at all"):
        findings.make(1, (stale,), *pair, "text")


@pytest.mark.parametrize("text", ["", "   \n", "x" * 8001])
def test_text_must_say_something_and_end(stale: e.FaultRecord, text: str) -> None:
    with pytest.raises(FindingError):
        findings.make(1, (stale,), *RIGHT, text)
