"""Faults: deliberate, real defects, one file each under `faults/<layer>/`, discovered and never registered."""

from brownout.faults.discovery import discover, get
from brownout.faults.model import Fault, Plan

__all__ = ["Fault", "Plan", "discover", "get"]
