"""Prometheus: its configuration, recording rules, alerts, and a test file per alert."""
