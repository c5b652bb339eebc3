"""Feast online stores that agree on old and equal timestamps, whatever they keep their rows in."""
