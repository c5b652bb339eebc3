"""Ingest: takes upstream's events, refuses what breaks the contract, and keeps the fresh features fresh.

An event is validated (`intake`), made durable (`landing`), acknowledged, written to the warehouse (`writer`) and, on a
grid of world minutes, turned into fresh features (`fresh`). What was landed can be replayed (`rebuild`).
"""
