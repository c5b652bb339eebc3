"""Probes: a closed set of checks that judge outcomes from the proctor's side and trust nothing a candidate can edit."""

from typing import Annotated

from pydantic import Field

from brownout.probes.alert_firing import AlertFiring
from brownout.probes.alerts_heard import AlertsHeard
from brownout.probes.base import Memory, Probe, ProbeResult, ProbeView, Reference
from brownout.probes.client_latency import ClientLatency, measure_healthy
from brownout.probes.cpu_throttled import CpuThrottled
from brownout.probes.fresh_age import FreshAge
from brownout.probes.gate_refuses import GateRefuses
from brownout.probes.leak_refused import LeakRefused
from brownout.probes.model_cost import ModelCost
from brownout.probes.model_quality import ModelQuality
from brownout.probes.rollout_unnoticed import RolloutUnnoticed
from brownout.probes.served_score_path import ServedScorePath
from brownout.probes.slow_age import SlowAge
from brownout.probes.stored_rows_true import StoredRowsTrue
from brownout.probes.stored_tables_whole import StoredTablesWhole
from brownout.probes.swap_fits import SwapFits, measure_used
from brownout.probes.training_rows_true import TrainingRowsTrue
from brownout.probes.world_alive import WorldAlive

AnyProbe = Annotated[
    ServedScorePath
    | FreshAge
    | ClientLatency
    | ModelCost
    | GateRefuses
    | StoredRowsTrue
    | StoredTablesWhole
    | ModelQuality
    | WorldAlive
    | AlertFiring
    | AlertsHeard
    | SlowAge
    | LeakRefused
    | CpuThrottled
    | RolloutUnnoticed
    | SwapFits
    | TrainingRowsTrue,
    Field(discriminator="kind"),
]

__all__ = [
    "AlertFiring",
    "AlertsHeard",
    "AnyProbe",
    "ClientLatency",
    "CpuThrottled",
    "FreshAge",
    "GateRefuses",
    "LeakRefused",
    "Memory",
    "ModelCost",
    "ModelQuality",
    "Probe",
    "ProbeResult",
    "ProbeView",
    "Reference",
    "RolloutUnnoticed",
    "ServedScorePath",
    "SlowAge",
    "StoredRowsTrue",
    "StoredTablesWhole",
    "SwapFits",
    "TrainingRowsTrue",
    "WorldAlive",
    "measure_healthy",
    "measure_used",
]
