"""Proves a fault both ways on the running stack: `brownout prove [FAULT …]`.

healthy → probes ok · injected → symptom within its budget, root cause broken · nothing in reach names it · each
solution and valid fix → fixed · each wrong fix and cheat → not fixed, and convicted by the probe that it names ·
reset → equal to the baseline.

The broken state is snapshotted once; attempts that change it restore it. Results are kept by the hash of fault,
platform and baseline, so an interrupted proof goes on where it was.
"""
