"""Alertmanager: groups alerts and hands them to the dashboards page, which keeps the inbox."""
