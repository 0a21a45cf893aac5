"""A real Ray cluster on this machine, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def ray_cluster(home: Path, workers: int, memory_mb: int) -> Iterator[Any]:
    """So many worker processes, and the module ``ray``; skips where Ray is not installed.

    Ray's dashboard asks the cloud that it may be in for its name, statistics or none, but where a file in the home folder has told it.
    """
    ray = pytest.importorskip("ray")
    (home / "ray_bootstrap_config.yaml").write_text("{}\n", encoding="utf8")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "HOME": str(home)}.items():
            patch.setenv(name, value)
        memory = memory_mb << 20
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1", object_store_memory=memory)
        yield ray
        ray.shutdown()
