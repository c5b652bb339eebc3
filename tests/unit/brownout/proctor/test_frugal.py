"""The proctor does without pandas and Arrow's own pool, and what its probes do with Arrow works all the same."""

from __future__ import annotations

import subprocess
import sys

from brownout.settings import ROOT

PROGRAM = """
import sys
from datetime import UTC, datetime
import pyarrow as pa, pyarrow.compute as pc
import brownout.proctor.__main__
from brownout.proctor import frugal

frugal.be()
kind = pa.timestamp("us", tz="UTC")
rows = pa.table({"at": pa.array([datetime(2013, 5, day, tzinfo=UTC) for day in (1, 2, 3)], kind), "n": [1, 2, 3]})
later = rows.filter(pc.greater_equal(rows["at"], pa.scalar(datetime(2013, 5, 2, tzinfo=UTC), kind)))
print([row["at"].day for row in later.to_pylist()], later["n"].to_numpy(), "pandas" in sys.modules)
print(pa.default_memory_pool().backend_name)
"""


def test_arrow_works_without_pandas() -> None:
    paths = ":".join(str(ROOT / part) for part in ("platform", "interview", ""))
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={"PYTHONPATH": paths, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[2, 3] [2 3] False\nsystem"
