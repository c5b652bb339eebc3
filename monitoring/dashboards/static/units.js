// How a value is written, by unit.
"use strict";

const UNITS = (() => {
  const trimmed = (value, digits) => Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 6 });
  const duration = (seconds) => {
    const size = Math.abs(seconds);
    if (size === 0) return "0 s";
    if (size < 1e-3) return `${trimmed(seconds * 1e6, 2)} µs`;
    if (size < 1) return `${trimmed(seconds * 1e3, 3)} ms`;
    if (size < 120) return `${trimmed(seconds, 3)} s`;
    if (size < 7200) return `${trimmed(seconds / 60, 3)} min`;
    if (size < 172800) return `${trimmed(seconds / 3600, 3)} h`;
    return `${trimmed(seconds / 86400, 3)} d`;
  };
  const formats = {
    ratio: (value) => `${trimmed(value * 100, 3)} %`,
    seconds: duration,
    per_second: (value) => `${trimmed(value, 3)}/s`,
    dollars: (value) => `$${trimmed(value, 4)}`,
    number: (value) => trimmed(value, 4),
    version: (value) => `v${value}`,
    log: (value) => trimmed(value, 3),
    state: (value) => (value ? "up" : "down"),
  };
  return (unit, value) => (value === null || value === undefined ? "–" : formats[unit](value).replace("-", "−"));
})();
