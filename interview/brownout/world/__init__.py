"""The world: real flights of 2013, replayed on the world clock.

It publishes upstream events to ingest, asks serving for predictions, drives the clock, and records all of it.
That record, not the platform's, is the truth.
"""
