"""Rows of two sides in the object stores of a Ray cluster: passes over them run where they lie."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from ..compute.parallel import IN_FLIGHT
from ..embed.parquet import BLOCK_ROWS, ParquetVectors
from ..embed.sides import Sides
from ..embed.usable import ROWS, Omitted, bad_in, check_widths
from ..errors import InputError
from .ray_tasks import answer, ray_module, tasks

SPAN_ROWS = 1 << 15
"""Rows of a task: long enough that starting it costs nothing beside, short enough that no worker waits long for the last."""
TASKS_A_WORKER = 4
"""Few rows are cut into at least so many tasks a worker."""


@contextmanager
def connected(address: str | None = None, workers: int | None = None) -> Iterator[int]:
    """A Ray cluster for as long as the block runs, and how many processors it has; what was started here is stopped after it.

    Args:
        address: of a running cluster ("auto", "ray://host:10001", "host:6379"); None: the one this process is connected to, else the one
            that RAY_ADDRESS names, else a new one on this machine.
        workers: worker processes of a new one; None for one a core.

    Raises:
        InputError: Ray is not installed, or there is no cluster at the address.
    """
    ray = ray_module()
    if own := not ray.is_initialized():
        more = {} if address else {"num_cpus": workers, "include_dashboard": False}
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that is started here reports to nobody
        try:
            ray.init(address=address, log_to_driver=False, logging_level="warning", **more)
        except (ConnectionError, ValueError, RuntimeError) as e:
            raise InputError(f"no Ray cluster can be used at {address or 'this machine'}: {e}") from e
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        if own:
            ray.shutdown()


class ShardedSides(Sides):
    """:class:`~latentdiff.embed.sides.Sides` whose rows lie in Ray's object stores, loaded from Parquet by the cluster.

    Ray keeps them (in memory, spilled to disk beyond it, loaded again where a machine is lost), places tasks near them, and runs again
    what a lost worker did not finish. Chunks are those of one machine, and what they give comes back chunk by chunk in order, so sums are
    the same to the last bit.

    Args:
        a, b: vectors of the sides, of one encoder.
        workers: processors of the cluster, from :func:`connected`.
        skip_bad: leave out rows that cannot be used (:func:`~latentdiff.embed.usable.bad_in`), in place of an error.
        omit: rows that are left out anyway.

    Raises:
        InputError: as ``Sides``.
    """

    def __init__(
        self, a: ParquetVectors, b: ParquetVectors, workers: int, skip_bad: bool = False, omit: Omitted | None = None
    ) -> None:
        check_widths({"A": a.width, "B": b.width})
        self._width, self._workers, self._total_a = a.width, workers, a.shape[0]
        loaded = [_load(v) for v in (a, b)]
        self._refs = [ref for refs, _ in loaded for ref in refs]
        self._edges = np.cumsum([0, *(n for _, lengths in loaded for n in lengths)])
        self.n_a, self.n_b = a.shape[0], b.shape[0]
        self._rows = np.arange(len(self))
        bad = np.concatenate([np.zeros(0, np.int64), *self.map(_bad, ROWS)])
        self._use((self.n_a, self.n_b), (bad[bad < self.n_a], bad[bad >= self.n_a] - self.n_a), skip_bad, omit)
        self._check_different()

    def _find(self) -> None:
        """Among all rows of both sides."""
        self._rows = np.concatenate([self.keep_a, self.keep_b + self._total_a])

    def _check_different(self) -> None:
        starts = range(0, self.n_a, ROWS)
        if self.n_a == self.n_b and all(np.array_equal(self[i : i + ROWS], self[self.n_a + i : self.n_a + i + ROWS]) for i in starts):
            raise InputError("A and B are the same images; choose two different sets")
        first = self[:1]
        if not any((x != first).any() for _, x in self.chunks()):
            raise InputError("all vectors are equal; there is nothing to compare. Check the encoder")

    def turned(self) -> ShardedSides:
        """The same rows with A and B exchanged, each side's blocks where they lie."""
        other = self._copy()
        first = int(np.searchsorted(self._edges, self._total_a))
        lengths = np.diff(self._edges)
        other._refs = self._refs[first:] + self._refs[:first]
        other._edges = np.cumsum([0, *lengths[first:], *lengths[:first]])
        other._exchanged()
        other._total_a = int(self._edges[-1]) - self._total_a
        other._find()
        return other

    def _narrow(self, rows: np.ndarray) -> None:
        self._rows = self._rows[rows]

    def _lie(self, rows: np.ndarray) -> None:
        """Give the cluster (n, d) rows of both sides as they are."""
        starts = range(0, len(rows), BLOCK_ROWS)
        self._refs = [ray_module().put(rows[i : i + BLOCK_ROWS]) for i in starts]
        self._edges = np.array([*starts, len(rows)])
        self._rows = np.arange(len(rows))

    @property
    def shape(self) -> tuple[int, int]:
        """(n_a + n_b, d)."""
        return self.n_a + self.n_b, self._width

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Float32 copies of some rows, by slice or by integer array: each block's are picked where it lies."""
        index = self._rows[rows] if isinstance(rows, slice) else self._rows[np.asarray(rows)]
        block = np.searchsorted(self._edges, index, "right") - 1
        pick, out, waiting = tasks()["pick"], np.empty((len(index), self._width), np.float32), []
        for k in np.unique(block):
            here = np.flatnonzero(block == k)
            waiting.append((here, pick.remote(self._refs[k], index[here] - self._edges[k])))
        for here, ref in waiting:
            out[here] = answer(ref)
        return out

    def read(self, some: slice, out: np.ndarray | None = None) -> np.ndarray:
        """Consecutive rows, fetched: ``out`` is not used."""
        return self[some]

    def map(self, work: Callable[..., Any], rows: int, along: Sequence[Any] = ()) -> Generator[Any, None, None]:
        """:func:`~latentdiff.compute.parallel.map_rows`, each span of consecutive chunks in a task, few results on their way."""
        ray = ray_module()
        n = len(self)
        span = max(1, min(SPAN_ROWS, -(-n // (TASKS_A_WORKER * self._workers))) // rows) * rows
        kept, run = ray.put(work), tasks()["span"]
        waiting: deque[Any] = deque()
        try:
            for first in range(0, n, span):
                some = slice(first, min(first + span, n))
                cuts, refs = self._cuts(self._rows[some])
                waiting.append(run.remote(kept, first, rows, cuts, [other[some] for other in along], *refs))
                if len(waiting) >= IN_FLIGHT * self._workers:
                    yield from answer(waiting.popleft())
            while waiting:
                yield from answer(waiting.popleft())
        finally:
            for ref in waiting:
                ray.cancel(ref)

    def _cuts(self, index: np.ndarray) -> tuple[list[Any], list[Any]]:
        """For ascending rows of all: what to take of each block, and the blocks."""
        first, last = np.searchsorted(self._edges, [index[0], index[-1]], "right") - 1
        ends = np.searchsorted(index, self._edges[first : last + 2])
        cuts = []
        for k, (start, end) in enumerate(pairwise(ends), first):
            local = index[start:end] - self._edges[k]
            whole = len(local) and local[-1] - local[0] == len(local) - 1
            cuts.append(slice(int(local[0]), int(local[-1]) + 1) if whole else local)
        return cuts, self._refs[first : last + 1]


def _bad(start: int, x: np.ndarray) -> np.ndarray:
    return start + bad_in(x)


def _load(vectors: ParquetVectors) -> tuple[list[Any], list[int]]:
    """Have the cluster read all row groups; a reference to, and the length of, each block."""
    refs, lengths = [], []
    for group in vectors.groups:
        sizes = [min(BLOCK_ROWS, group.rows - start) for start in range(0, group.rows, BLOCK_ROWS)]
        if len(sizes) == 1:
            refs.append(tasks()["block"].remote(vectors, group))
        else:
            refs += tasks()["blocks"].options(num_returns=len(sizes)).remote(vectors, group)
        lengths += sizes
    return refs, lengths
