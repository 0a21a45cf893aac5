"""Inputs of where a comparison runs: on this machine, or on a Ray cluster."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from .forms import choose, reject

LOCAL, RAY = "local", "ray"
ANSWERS = {"engine", "address", "exchange"}
"""Names of the inputs."""


def choose_engine(inputs: Any, params: dict[str, Any]) -> None:
    """Where it runs, and how the cluster is reached; nothing where Ray is not installed."""
    if find_spec("ray") is None:
        return
    choices = {LOCAL: "On this machine", RAY: "On a Ray cluster: for millions of images"}
    text = "A cluster is handed the vectors in chunks; they are never in memory together"
    prop = choose(inputs, "engine", "Where it runs", list(choices), labels=list(choices.values()), description=text, empty="")
    prop.default, prop.required = LOCAL, False
    if params.get("engine") != RAY:
        return
    if params.get("describe") not in (None, "", "no"):
        reject(prop, "Images are described on this machine only: choose “No” under Describe images, or run it here.")
    text = "Such as ray://host:10001; empty for the cluster that RAY_ADDRESS names, else a new one on this machine"
    inputs.str("address", label="Address of the cluster", description=text, required=False)
    text = "Folder or URI that all its machines can read, such as s3://bucket/folder; may stay empty for a cluster on this machine"
    exchange = inputs.str("exchange", label="Exchange folder", description=text, required=False)
    if params.get("address") and not params.get("exchange"):
        reject(exchange, "A cluster elsewhere needs a folder that it can read.")


def engine_of(params: dict[str, Any]) -> dict[str, Any]:
    """``engine``, ``address`` and ``exchange`` as :func:`~fiftyone_plugin.compare_views` takes them."""
    if (params.get("engine") or LOCAL) == LOCAL:
        return {}
    return {"engine": params["engine"], "address": params.get("address") or None, "exchange": params.get("exchange") or None}
