"""How good a model is on flights it has not seen: overall, by slice, and as plots.

Log loss comes first (it is what gates compare), ln(observed/expected) says whether probabilities are honest, AUC is a
trend only. Undefined figures are NaN.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ontime.contract import FEATURE_NAMES
from ontime.figures import auc, losses

if TYPE_CHECKING:
    import lightgbm as lgb

Array = npt.NDArray[np.float64]

MIN_SLICE_ROWS = 300
"""Flights below which a slice's figures are noise; such slices are left out."""

CARRIER_GROUPS = {
    "network": ("AA", "AS", "DL", "HA", "UA", "US"),
    "low_cost": ("B6", "F9", "FL", "VX", "WN"),
    "regional": ("9E", "EV", "MQ", "OO", "YV"),
}
HOUR_BANDS = {"before_10": (0, 600), "10_to_15": (600, 900), "15_to_19": (900, 1140), "after_19": (1140, 1440)}
ROUTE_LENGTHS = {"short": (0.0, 500.0), "medium": (500.0, 1500.0), "long": (1500.0, float("inf"))}


@dataclass(frozen=True, slots=True)
class Metrics:
    rows: int
    late_rate: float
    log_loss: float
    auc: float
    brier: float
    observed_expected_ln: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Flights whose score lies in one decile of the scores."""

    rows: int
    expected: float
    observed: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`slices` maps e.g. `origin=EWR` to its metrics; slices under MIN_SLICE_ROWS flights are absent."""

    overall: Metrics
    slices: dict[str, Metrics]
    calibration: tuple[CalibrationBin, ...]

    def flat(self) -> dict[str, float]:
        """Names that MLflow accepts → values, NaN left out: `log_loss`, `slice/origin/EWR/log_loss`, …"""
        figures = dict(asdict(self.overall))
        for name, metrics in self.slices.items():
            figures |= {f"slice/{name.replace('=', '/')}/{k}": v for k, v in asdict(metrics).items()}
        return {name: float(value) for name, value in figures.items() if not np.isnan(value)}


def measure(scores: Array, late: Array) -> Metrics:
    """Metrics of one set of flights; `late` holds 0 and 1."""
    if not len(scores):
        nan = float("nan")
        return Metrics(0, nan, nan, nan, nan, nan)
    observed, expected = float(late.sum()), float(scores.sum())
    return Metrics(
        rows=len(scores),
        late_rate=float(late.mean()),
        log_loss=float(losses(scores, late).mean()),
        auc=auc(scores, late),
        brier=float(np.mean((scores - late) ** 2)),
        observed_expected_ln=float(np.log(observed / expected)) if observed > 0 and expected > 0 else float("nan"),
    )


def slices(rows: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
    """Slice name → mask over `rows` (columns origin, carrier, sched_minute_of_day, distance_miles)."""
    origin = rows["origin"].to_numpy(zero_copy_only=False)
    carrier = rows["carrier"].to_numpy(zero_copy_only=False)
    minute, miles = rows["sched_minute_of_day"].to_numpy(), rows["distance_miles"].to_numpy()
    masks = {f"origin={name}": origin == name for name in sorted(set(origin))}
    masks |= {f"carriers={name}": np.isin(carrier, group) for name, group in CARRIER_GROUPS.items()}
    masks |= {f"hours={name}": (minute >= low) & (minute < high) for name, (low, high) in HOUR_BANDS.items()}
    masks |= {f"route={name}": (miles >= low) & (miles < high) for name, (low, high) in ROUTE_LENGTHS.items()}
    return {name: mask for name, mask in masks.items() if mask.sum() >= MIN_SLICE_ROWS}


def calibration(scores: Array, late: Array, bins: int = 10) -> tuple[CalibrationBin, ...]:
    """Mean score against the share that was late, by equally filled bins of the score."""
    parts = [part for part in np.array_split(np.argsort(scores, kind="stable"), bins) if len(part)]
    return tuple(CalibrationBin(len(p), float(scores[p].mean()), float(late[p].mean())) for p in parts)


def evaluate(rows: pa.Table, scores: Array, late: Array) -> Evaluation:
    """`scores` and `late` belong to `rows`, one each."""
    by_slice = {name: measure(scores[mask], late[mask]) for name, mask in slices(rows).items()}
    return Evaluation(measure(scores, late), by_slice, calibration(scores, late))


def importance(booster: lgb.Booster) -> dict[str, float]:
    """Each feature's share of the total gain, largest first."""
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    shares = gain / max(gain.sum(), 1e-12)
    return {FEATURE_NAMES[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}


def plot_calibration(bins: tuple[CalibrationBin, ...], path: Path) -> None:
    """Observed against expected share of late flights, one point a decile, as PNG."""
    figure, axes = _canvas(5, 5)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot([b.expected for b in bins], [b.observed for b in bins], marker="o")
    axes.set(xlabel="expected share late", ylabel="observed share late", title="Calibration on held-out days")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.savefig(path, dpi=110)


def plot_importance(shares: dict[str, float], path: Path, top: int = 20) -> None:
    """The `top` features by share of gain, as PNG."""
    names = list(shares)[:top][::-1]
    figure, axes = _canvas(7, 6)
    axes.barh(names, [shares[name] for name in names])
    axes.set(xlabel="share of gain", title="Feature importance")
    figure.savefig(path, dpi=110)


def _canvas(width: float, height: float):  # type: ignore[no-untyped-def]  # matplotlib is imported only when drawing
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()
