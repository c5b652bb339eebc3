"""Do the stored announcements say what upstream meant?"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.truth import Truth, moment


class StoredRowsTrue(Probe):
    """Compares one field of the stored schedules, from the onset on, with the canonical truth; read with own code."""

    kind: Literal["stored_rows_true"] = "stored_rows_true"
    field: Literal["scheduled_minutes", "distance_miles"]
    tolerance: float = Field(default=0.01, gt=0, description="Relative difference that is still true.")
    max_share: float = Field(default=0.005, ge=0, lt=1)
    min_share_present: float = Field(default=0.95, gt=0, le=1, description="Of the announcements until a minute ago.")

    def run(self, view: ProbeView) -> ProbeResult:
        if view.onset_world is None:
            return ProbeResult("unknown", "The onset is not known.")
        since = moment(view.onset_world)
        until = moment(view.world_now) - timedelta(minutes=20)
        truth = view.memory.keep("truth", lambda: Truth(view.harness.data))
        meant = truth.events("schedules", since, until).select(["flight_id", self.field])
        if meant.num_rows < 20:
            return ProbeResult("unknown", f"Only {meant.num_rows} flights were announced since the onset.")
        try:
            stored = self._stored(view, since.date().isoformat(), until.date().isoformat())
        except (OSError, pa.ArrowException) as error:
            return ProbeResult("unknown", f"The stored schedules cannot be read: {error}")
        both = meant.join(stored, "flight_id", join_type="inner", right_suffix="_stored")
        present = both.num_rows / meant.num_rows
        wrong = 0.0
        if both.num_rows:
            true = both[self.field].to_numpy(zero_copy_only=False)
            said = both[f"{self.field}_stored"].to_numpy(zero_copy_only=False)
            wrong = float(np.mean(~(np.abs(said - true) <= self.tolerance * np.abs(true))))
        measured = {"wrong_share": wrong, "present_share": present}
        if present < self.min_share_present:
            why = f"Only {present:.0%} of the {meant.num_rows} announcements since the onset are stored."
            return ProbeResult("broken", why, measured=measured)
        why = f"{wrong:.1%} of {both.num_rows} stored announcements since the onset have a wrong {self.field}."
        return ProbeResult("broken" if wrong > self.max_share else "ok", why, measured=measured)

    def _stored(self, view: ProbeView, first: str, last: str) -> pa.Table:
        """flight_id and the field of every stored announcement of those UTC days; one row a flight."""
        directory = view.environment.warehouse / "schedules"
        files = [p for p in sorted(directory.glob("*.parquet")) if first <= p.stem[:10] <= last]
        empty = pa.table({"flight_id": pa.array([], pa.string()), self.field: pa.array([], pa.float64())})
        parts = [pq.read_table(path, columns=["flight_id", self.field], partitioning=None) for path in files]
        rows = pa.concat_tables([empty, *parts])
        worst = rows.group_by("flight_id").aggregate([(self.field, "min"), (self.field, "max")])
        # Two rows for one flight that disagree are not true, whichever comes first.
        agreed = pc.if_else(
            pc.equal(worst[f"{self.field}_min"], worst[f"{self.field}_max"]), worst[f"{self.field}_min"], float("nan")
        )
        return pa.table({"flight_id": worst["flight_id"], self.field: agreed})
