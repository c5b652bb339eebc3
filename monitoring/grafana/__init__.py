"""Grafana: the same panels as JSON, for Kubernetes."""
