"""The gates: a closed list, one function each. A version becomes champion only when all of them pass."""

from __future__ import annotations

from collections.abc import Callable

from ontime.export import largest_delta
from ontime.gates.evidence import Evidence
from ontime.gates.latency import BATCH
from ontime.gates.result import GateResult, at_least, at_most
from ontime.settings import GateBehaviour

NAN = float("nan")


def rows(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """Enough labelled flights: the version's claim, or what the warehouse holds of its days when that is less."""
    claimed, found = evidence.contender.version.rows, evidence.training_rows
    return at_least(
        "rows", min(claimed, found), limits.min_rows, "flights", f"{claimed} claimed, {found} in the warehouse."
    )


def quality(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """Log loss against the champion's on the same held-out flights."""
    own, champion = evidence.evaluation.overall, evidence.champion_evaluation
    where = f"Log loss {own.log_loss:.4f} on {own.rows} flights of {evidence.days.first} to {evidence.days.last}"
    if champion is None:
        measured = 0.0 if own.rows else NAN
        return at_most("quality", measured, limits.max_log_loss_increase, "above champion", f"{where}; no champion.")
    increase = own.log_loss - champion.overall.log_loss
    detail = f"{where}; the champion's {champion.overall.log_loss:.4f}."
    return at_most("quality", increase, limits.max_log_loss_increase, "above champion", detail)


def slices(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """The same for the slice that fares worst: no group of travellers pays for the average."""
    own, champion = evidence.evaluation.slices, evidence.champion_evaluation
    if champion is None:
        measured = 0.0 if own else NAN
        return at_most("slices", measured, limits.max_slice_log_loss_increase, "above champion", "No champion.")
    increases = {name: own[name].log_loss - champion.slices[name].log_loss for name in own}
    worst = max(increases, key=lambda name: increases[name], default=None)
    return at_most(
        "slices",
        NAN if worst is None else increases[worst],
        limits.max_slice_log_loss_increase,
        "above champion",
        f"Worst of {len(increases)} slices: {worst}.",
    )


def calibration(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """|ln(observed/expected)|, less the champion's: a late fortnight is not the model's doing, so both are measured."""
    own, champion = evidence.evaluation.overall, evidence.champion_evaluation
    error = abs(own.observed_expected_ln)
    if champion is None:
        detail = f"ln O/E {own.observed_expected_ln:+.3f}; no champion."
        return at_most("calibration", error, limits.max_first_calibration_error, "|ln O/E|", detail)
    theirs = champion.overall.observed_expected_ln
    detail = f"ln O/E {own.observed_expected_ln:+.3f}; the champion's {theirs:+.3f}."
    return at_most("calibration", error - abs(theirs), limits.max_calibration_error, "|ln O/E| above champion", detail)


def onnx_parity(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """The served file answers what the trained booster answers."""
    booster, unit = evidence.contender.read_booster(), "largest |Δp|"
    if booster is None:
        return at_most("onnx_parity", NAN, limits.max_onnx_delta, unit, "The run holds no booster to compare with.")
    delta = largest_delta(booster, evidence.contender.scorer, evidence.matrix) if len(evidence.matrix) else NAN
    return at_most("onnx_parity", delta, limits.max_onnx_delta, unit, f"On {len(evidence.matrix)} held-out flights.")


def latency(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """A batch costs at most this multiple of a 200-tree reference ensemble, measured in the same sitting."""
    if evidence.holdout.num_rows < BATCH:
        return at_most("latency", NAN, limits.max_latency_ratio, "x reference", f"Under {BATCH} held-out flights.")
    found = evidence.latency
    detail = f"Batch of {BATCH}: {found.contender_ms:.2f} ms, reference {found.reference_ms:.2f} ms."
    return at_most("latency", found.ratio, limits.max_latency_ratio, "x reference", detail)


def availability(evidence: Evidence, limits: GateBehaviour) -> GateResult:
    """No feature was available later than its use, by time and by value."""
    found = evidence.leaks
    what = f" Changed: {', '.join(found.features)}." if found.features else ""
    return at_most(
        "availability",
        found.flights if evidence.holdout.num_rows else NAN,
        limits.max_unavailable_features,
        "flights",
        f"{found.by_time} of {evidence.holdout.num_rows} by time, {found.by_value} of {found.compared} by value.{what}",
    )


Gate = Callable[[Evidence, GateBehaviour], GateResult]
GATES: dict[str, Gate] = {
    gate.__name__: gate for gate in (rows, quality, slices, calibration, onnx_parity, latency, availability)
}
