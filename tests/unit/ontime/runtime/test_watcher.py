from __future__ import annotations

from ontime.runtime.watcher import LOOKS_ABOVE, MemoryGuard


def test_a_component_is_restarted_after_staying_above_its_limit() -> None:
    guard = MemoryGuard({"serving": 100.0})
    looks = [guard.look({"serving": 150.0}) for _ in range(LOOKS_ABOVE)]

    assert looks[:-1] == [[]] * (LOOKS_ABOVE - 1)
    assert looks[-1] == ["serving"]
    assert guard.look({"serving": 150.0}) == []


def test_a_spike_is_forgiven() -> None:
    guard = MemoryGuard({"serving": 100.0})

    assert [guard.look({"serving": mib}) for mib in (150.0, 50.0, 150.0, 50.0)] == [[], [], [], []]
