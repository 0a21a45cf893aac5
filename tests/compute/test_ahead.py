"""Chunks that are fetched ahead: the same items, and the next ones already asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from latentdiff.compute.ahead import ahead


@pytest.mark.parametrize("n", [0, 1, 4, 5, 6])
def test_lists_are_the_items_in_their_order(n: int) -> None:
    assert list(ahead(iter(range(n)), 2)) == [list(range(i, min(i + 2, n))) for i in range(0, n, 2)]


def test_the_next_list_is_fetched_while_one_is_worked_on() -> None:
    asked = threading.Event()

    def items() -> Iterator[int]:
        yield from (1, 2)
        asked.set()
        yield 3

    for first in ahead(items(), 2):
        if first == [1, 2]:
            assert asked.wait(60)


def test_an_error_comes_where_its_list_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise OSError("gone")

    lists = ahead(items(), 2)
    assert next(lists) == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(lists)


def test_who_stops_early_leaves_no_thread() -> None:
    lists = ahead(iter(range(10)), 2)
    next(lists)
    lists.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]
