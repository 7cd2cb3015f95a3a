"""When freed memory goes back."""

from __future__ import annotations

import types

import pytest

from ppocr.utils import malloc as memory


@pytest.fixture
def trims(monkeypatch):
    """How often free memory went back; the process has 600 MB."""
    calls = []
    monkeypatch.setattr(memory, "_glibc", lambda: types.SimpleNamespace(malloc_trim=calls.append))
    monkeypatch.setattr(memory, "_resident", lambda: 600_000_000)
    return calls


@pytest.mark.parametrize(
    ("settings", "goes_back"),
    [
        ({}, False),
        ({"above": 599_000_000}, True),
        ({"need": 279_000_000}, False),
        ({"need": 281_000_000}, True),
        ({"picture": 23_000_000}, False),
        ({"picture": 36_000_000}, True),
    ],
)
def test_memory_goes_back_before_the_process_becomes_large(trims, settings, goes_back):
    memory.return_freed_memory(**settings)
    assert bool(trims) == goes_back


def test_only_shapes_that_were_not_seen_lately_need_memory():
    need = memory.MemoryNeed(2)
    assert [need.bytes_for(shape, 7) for shape in [(1, 2), (1, 2), (3, 4), (1, 2)]] == [7, 0, 7, 0]
    assert need.bytes_for((5, 6), 7) == 7 and need.bytes_for((3, 4), 7) == 7
