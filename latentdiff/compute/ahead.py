"""Chunks that are fetched while the one before is worked on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size`` items (the last may be shorter), of which the next is fetched in a thread meanwhile.

    It pays where fetching waits for something else than Python, a database say. An error in fetching is raised where its list would have
    come. Whoever stops early waits for the one list that is being fetched.

    Args:
        items: where they come from; only one thread at a time asks it.
        size: items of a list, at least 1.

    Example:
        >>> list(ahead(range(5), 2))
        [[0, 1], [2, 3], [4]]
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "ahead") as pool:
        coming = pool.submit(lambda: list(itertools.islice(source, size)))
        while here := coming.result():
            coming = pool.submit(lambda: list(itertools.islice(source, size)))
            yield here
