"""The exporter: what the warehouse, the clock, the registry and the reports say about live behaviour, as metrics."""
