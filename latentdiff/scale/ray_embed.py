"""Shards of vectors made by Ray Data on a cluster."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..compute.extras import needs
from ..embed.sharding import Shard, ShardEncoder, ShardTask
from ..errors import LatentDiffError


def embed_shards(tasks: Sequence[ShardTask], encoder: tuple[Any, ...]) -> Iterator[Shard]:
    """Make shards by Ray Data: one encoder a GPU of the cluster, or a processor where it has none; Ray restarts what dies.

    Args:
        tasks: from :func:`~latentdiff.embed.sharding.plan_shards`.
        encoder: arguments of :class:`~latentdiff.embed.sharding.ShardEncoder`.

    Yields:
        What became of each, as they end.
    """
    with needs("ray", 'the engine "ray"'):
        import ray
        from ray import data

    data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    have = ray.cluster_resources()
    gpus = int(have.get("GPU", 0))
    most = max(1, min(len(tasks), gpus or int(have.get("CPU", 1))))
    rows = data.from_items([{"task": pickle.dumps(t)} for t in tasks], override_num_blocks=len(tasks))
    pool = data.ActorPoolStrategy(min_size=1, max_size=most)
    share: dict[str, Any] = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": 1}
    made = rows.map_batches(_Worker, fn_constructor_args=(encoder,), batch_size=1, compute=pool, **share)
    try:
        for row in made.iter_rows():
            yield Shard(int(row["rows"]), int(row["failed"]), bool(row["kept"]))
    except ray.exceptions.RayTaskError as e:
        if isinstance(e.cause, LatentDiffError):
            raise e.cause from None
        raise


class _Worker:
    """One encoder in a worker process of Ray Data."""

    def __init__(self, encoder: tuple[Any, ...]) -> None:
        self._shards = ShardEncoder(*encoder)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        made = [self._shards.make(pickle.loads(task)) for task in batch["task"]]
        return {name: np.array([getattr(s, name) for s in made]) for name in ("rows", "failed", "kept")}
