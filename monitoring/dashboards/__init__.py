"""The dashboards page: one map of the stack, the panels, runbooks, alerts and reports."""
