"""How a figure of the platform is written, by its unit; the same words as on its dashboards."""

from __future__ import annotations


def _trimmed(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{float(text):,.0f}" if abs(value) >= 1 else f"{value:.1e}"
    return text


def _duration(seconds: float) -> str:
    size = abs(seconds)
    for limit, scale, unit in ((1, 1e-3, "ms"), (120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if size < limit:
            return f"{_trimmed(seconds / scale, 3)} {unit}" if size else "0 s"
    return f"{_trimmed(seconds / 86_400, 3)} d"


def figure(unit: str, value: float | None) -> str:
    """A dash for nothing; an unknown unit is written as a number."""
    if value is None:
        return "–"
    match unit:
        case "ratio":
            text = f"{_trimmed(value * 100, 3)} %"
        case "seconds":
            text = _duration(value)
        case "per_second":
            text = f"{_trimmed(value, 3)}/s"
        case "dollars":
            text = f"${value:,.0f}"
        case "version":
            text = f"v{value:g}"
        case _:
            text = _trimmed(value, 3)
    return text.replace("-", "−")


def band(unit: str, usual: tuple[float, float] | None) -> str:
    """`0 s to 20 min`; nothing when no band is known."""
    if usual is None:
        return ""
    low, high = usual
    return figure(unit, high) if low == high else f"{figure(unit, low)} to {figure(unit, high)}"
