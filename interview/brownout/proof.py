"""Proves a fault both ways on a running stack."""
