"""What workers of a Ray cluster do with blocks of rows, and how their answers come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from ..compute.arrays import float32, kept
from ..compute.extras import needs
from ..compute.parallel import one_thread
from ..embed.parquet import ParquetVectors
from ..embed.row_groups import RowGroup
from ..errors import LatentDiffError

RETRIES = 3
"""How often Ray runs a task again whose worker died (its own default, written out)."""


def ray_module() -> Any:
    """Ray itself, or what to install."""
    with needs("ray", 'the engine "ray"'):
        import ray
    return ray


def answer(ref: Any) -> Any:
    """What a task gave; its own error where it raised one of ours."""
    ray = ray_module()
    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError as e:
        if isinstance(e.cause, LatentDiffError):
            raise e.cause from None
        raise


@cache
def tasks() -> dict[str, Any]:
    """What workers do, by name."""
    ray = ray_module()
    return {f.__name__.strip("_"): ray.remote(max_retries=RETRIES)(f) for f in (_block, _blocks, _span, _pick)}


def _block(vectors: ParquetVectors, group: RowGroup) -> np.ndarray:
    """The one block of a small row group."""
    return next(vectors.blocks(group))


def _blocks(vectors: ParquetVectors, group: RowGroup) -> Iterator[np.ndarray]:
    """The blocks of a row group, each stored before the next is read."""
    yield from vectors.blocks(group)


def _pick(block: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(block[rows], np.float32)


def _span(work: Callable[..., Any], first: int, rows: int, cuts: list[Any], along: list[Any], *blocks: np.ndarray) -> list[Any]:
    """What ``work`` gives for each chunk of a span, on one core as on one machine."""
    lengths = [c.stop - c.start if isinstance(c, slice) else len(c) for c in cuts]
    edges = np.cumsum([0, *lengths])

    def chunk(start: int, end: int) -> np.ndarray:
        out = kept("rows", end - start, blocks[0].shape[1])
        for cut, block, low, high in zip(cuts, blocks, edges[:-1], edges[1:], strict=True):
            if low < end and high > start:
                a, b = max(start, low) - low, min(end, high) - low
                part = block[cut.start + a : cut.start + b] if isinstance(cut, slice) else block[cut[a:b]]
                if len(part) == end - start:
                    return float32(part, out)
                here = out[low + a - start : low + b - start]
                here[:] = float32(part, here)
        return out

    with one_thread():
        starts = range(0, int(edges[-1]), rows)
        return [work(first + s, chunk(s, min(s + rows, int(edges[-1]))), *(other[s : s + rows] for other in along)) for s in starts]
