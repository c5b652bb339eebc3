"""What watches the platform: exporter, Prometheus rules with their tests, panels, dashboards page, runbooks."""
