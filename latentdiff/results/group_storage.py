"""How a comparison of many groups is stored: as strict JSON and arrays, by the schema of a comparison."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from ..version import __version__
from .comparison import Comparison
from .schema import need, pack, unpack
from .storage import from_parts, to_parts

FORMAT = 1
"""A reader of this format reads later ones too where only fields were added."""


def groups_to_parts(found: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A comparison of groups as strict JSON (with format and version) and arrays; each group's comparison is packed by itself."""
    arrays: dict[str, np.ndarray] = {}
    bare = type(found)(**{**_fields(found), "comparisons": ()})
    plain: dict[str, Any] = {"format": FORMAT, "version": __version__, **pack(bare, arrays)}
    plain["comparisons"] = []
    for g, comparison in enumerate(found.comparisons):
        head, own = to_parts(comparison)
        plain["comparisons"].append(head)
        arrays |= {f"group{g}_{name}": value for name, value in own.items()}
    return plain, arrays


def groups_from_parts(kind: Any, head: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """The comparison that :func:`groups_to_parts` took apart, checked.

    Args:
        kind: its class.
        head, arrays: what was stored.

    Raises:
        Newer: a later version made one of the groups' comparisons, and this one cannot read it.
        Exception: of whatever kind, where it is damaged.
    """
    need(isinstance(head, dict) and head.get("format") in range(1, FORMAT + 1), "format", head)
    stored = head["comparisons"]
    need(isinstance(stored, list), "comparisons", stored)
    flat = {name: value for name, value in arrays.items() if not name.startswith("group")}
    found = unpack(kind, {**head, "comparisons": []}, flat)
    told = []
    for g, one in enumerate(stored):
        prefix = f"group{g}_"
        told.append(from_parts(Comparison, one, {n[len(prefix) :]: value for n, value in arrays.items() if n.startswith(prefix)}))
    k = len(found.names)
    need(k == len(told) == len(set(found.names)) and k > 1, "names", found.names)
    need(found.distances.shape == (k, k) and bool(np.isfinite(found.distances).all()), "distances", found.distances.shape)
    need(found.rates.shape == (len(found.rate_texts), k) and bool(np.isfinite(found.rates).all()), "rates", found.rates.shape)
    need(not len(found.label) or (found.label.min() >= -1 and found.label.max() < k), "label", "a group that there is not")
    inside = int((found.label >= 0).sum())
    for g, c in enumerate(told):
        own = int((found.label == g).sum())
        need((len(c.log_ratio_a), len(c.log_ratio_b)) == (own, inside - own), "comparisons", found.names[g])
    return kind(**{**_fields(found), "comparisons": tuple(told)})


def _fields(found: Any) -> dict[str, Any]:
    return {f.name: getattr(found, f.name) for f in fields(found)}
