"""A comparison of A and B as one of B and A: what names a side, or has a sign, is exchanged, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..config import CompareConfig
from ..results.comparison import Comparison

OTHER = {"A": "B", "B": "A"}
SIDED = {"_a": "_b", "_b": "_a"}
"""Endings of fields and keys that come in pairs, one a side."""


def mirrored(comparison: Comparison) -> Comparison:
    """The comparison that the same images give with the sides exchanged."""
    turned: Comparison = _turned(comparison)
    concepts = dataclasses.replace(turned.concepts, gap=-turned.concepts.gap)
    return dataclasses.replace(turned, log_ratio_a=-turned.log_ratio_a, log_ratio_b=-turned.log_ratio_b, concepts=concepts)


def _turned(value: Any) -> Any:
    """Values of side A at the places of side B and the other way round, however deep."""
    if value is None or isinstance(value, (str, int, float, np.ndarray, CompareConfig)):  # nearly all there is
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        of = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **_turned(of))
    if isinstance(value, dict):
        return {k: _side(k, _turned(value[_other(k, value)])) for k in value}
    if isinstance(value, (tuple, list)) and any(isinstance(v, (tuple, list, dict)) or dataclasses.is_dataclass(v) for v in value):
        return type(value)(_turned(v) for v in value)
    return value


def _other(key: Any, among: dict[Any, Any]) -> Any:
    """The key whose value belongs under this one with the sides exchanged."""
    if not isinstance(key, str):
        return key
    twin = OTHER.get(key) or (key[:-2] + SIDED[key[-2:]] if key[-2:] in SIDED else key)
    return twin if twin in among else key


def _side(key: Any, value: Any) -> Any:
    return OTHER.get(value, value) if key == "side" and isinstance(value, str) else value
