"""The same work on many chunks, on all cores, results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from .arrays import kept

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS_FROM = 10_000_000
"""Vector entries below which threads cost more than they bring."""
IN_FLIGHT = 2
"""Chunks a worker may be ahead: enough that none waits, few enough that memory does not grow."""


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Products of numpy and torch run on one core within the block, so their results do not depend on how many there are."""
    import torch  # before the limit: only what is loaded by then takes it
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)  # once a number has been set, MKL goes by it
        try:
            yield
        finally:
            torch.set_num_threads(before)


def ordered_map(work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> Iterator[Result]:
    """``work(item)`` for every item, in threads, yielded in the items' order.

    Each thread runs its products on one core, so the result does not depend on how many there are. numpy and torch release the
    interpreter while they compute.

    Args:
        work: what to do with an item; its exceptions come out here.
        items: consumed as needed, never all at once.
        workers: threads; None for one a core.
    """
    workers = workers or cores()
    if workers == 1:
        yield from map(work, items)
        return
    import torch  # here: threads that begin to import it together break it
    from threadpoolctl import threadpool_limits

    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    with threadpool_limits(1, "blas"):
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= IN_FLIGHT * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(torch.get_num_threads())  # a thread's setting is MKL's for the process: put the caller's back


def map_rows(x: Any, work: Callable[..., Result], rows: int, along: Sequence[Any] = ()) -> Iterator[Result]:
    """``work(first row, x[rows], *(other[rows] for other in along))`` for consecutive chunks, results in order.

    This is the only way in which a pass is made over all vectors. A ``map`` of x's own takes over (one that sends the work to where the
    rows lie); chunks, and so sums over them, are the same then.

    Args:
        x: (n, d) rows that come out by slice.
        work: what to do with a chunk; it must not depend on any other chunk, change its rows, or keep them: their memory is used again.
        rows: rows of a chunk.
        along: arrays of n rows whose slices go with the chunks.
    """
    own = getattr(x, "map", None)
    if own is not None:
        yield from own(work, rows, along)
        return
    yield from local_map(x, work, rows, along)


def local_map(x: Any, work: Callable[..., Result], rows: int, along: Sequence[Any] = ()) -> Iterator[Result]:
    """:func:`map_rows` on the cores of this machine; a ``read`` of x's own gets each thread's memory to convert a chunk into."""
    read = getattr(x, "read", None)

    def one(start: int) -> Result:
        some = slice(start, min(start + rows, x.shape[0]))
        chunk = x[some] if read is None else read(some, kept("rows", some.stop - start, x.shape[1]))
        return work(start, chunk, *(other[some] for other in along))

    few = x.shape[0] * x.shape[1] < THREADS_FROM
    return ordered_map(one, range(0, x.shape[0], rows), 1 if few else None)
