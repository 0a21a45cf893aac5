"""What was stored and is read again is checked before it is used: a damaged index would be read outside its array, by compiled code."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..compute.files import is_text
from ..config import CompareConfig
from .hypothesis import ConceptTable, Hypothesis, TwoSampleTest

SHARES = ("rate_a", "rate_b", "p_value", "q_value", "auroc")
NUMBERS = ("effect", "name_strength", "score", "name_margin")


def checked(comparison: Any) -> Any:
    """The same comparison, if every value is what its field says; what came out of a file may be anything.

    Raises:
        ValueError: naming the first value that is not.
    """
    counts = {}
    for side, ratio, shows in (("A", comparison.log_ratio_a, comparison.shows_a), ("B", comparison.log_ratio_b, comparison.shows_b)):
        _need(ratio.ndim == 1 and ratio.dtype.kind == "f" and not np.isinf(ratio).any(), f"log ratios of {side}", ratio.dtype)
        counts[side] = len(ratio)
        _matrix(shows, (len(ratio), len(comparison.candidates)), f"which images of {side} show what")
    for hypothesis in comparison.candidates:
        _hypothesis(hypothesis, counts)
    test = comparison.two_sample
    for name, value in (("auc", test.auc), ("p_value", test.p_value), ("smallest_detectable", comparison.smallest_detectable)):
        _number(value, name, share=True)
    _need(isinstance(comparison.differs, bool), "differs", comparison.differs)
    table = comparison.concepts
    rows = len(table.concept)
    for name in (f.name for f in dataclasses.fields(table) if f.name != "name"):
        column = getattr(table, name)
        _need(column.ndim == 1 and column.dtype.kind in ("iu" if name == "concept" else "f") and len(column) == rows, name, column.shape)
        _need(name == "concept" or not np.isinf(column).any(), name, "infinite")
        _need(name not in ("rate_a", "rate_b") or not np.isnan(column).any(), name, "NaN")
    _need(len(table.name) in (0, rows) and all(map(is_text, table.name)), "names of concepts", len(table.name))
    _info(comparison.info, counts)
    return comparison


def _matrix(shows: Any, shape: tuple[int, int], what: str) -> None:
    _need(shows.shape == shape and shows.indices.dtype.kind == "i" and shows.indptr.dtype.kind == "i", what, shows.shape)
    pointers, columns = shows.indptr, shows.indices
    _need(pointers[0] == 0 and pointers[-1] == len(columns) and bool((np.diff(pointers) >= 0).all()), what, "rows out of order")
    _need(not len(columns) or (columns.min() >= 0 and columns.max() < shape[1]), what, "a column that there is not")


def _hypothesis(h: Hypothesis, counts: dict[str, int]) -> None:
    _need(h.side in ("A", "B") if isinstance(h.side, str) else False, "side", h.side)
    for name in ("text", "source"):
        _need(is_text(getattr(h, name)) and bool(getattr(h, name)), name, getattr(h, name))
    for name in SHARES:
        _number(getattr(h, name), name, share=True)
    for name in NUMBERS:
        _number(getattr(h, name), name)
    _need(len(h.interval) == 2, "interval", h.interval)
    for end in h.interval:
        _number(end, "interval")
    for name in ("also", "words", "path", "echoes"):
        _need(all(map(is_text, getattr(h, name))), name, getattr(h, name))
    for name in ("concept", "group"):
        value = getattr(h, name)
        _need(value is None or (_whole(value) and 0 <= value < 2**31), name, value)
    _need(all(_whole(row) and 0 <= row < counts[h.side] for row in h.exemplars), "exemplars", h.exemplars)
    _need(isinstance(h.weak, bool), "weak", h.weak)


def _info(info: Any, counts: dict[str, int]) -> None:
    """The entries that something reads; others are only listed."""
    _need(isinstance(info, dict) and all(map(is_text, info)), "info", type(info).__name__)
    names = info.get("names")
    _need(names is None or (isinstance(names, (list, tuple)) and len(names) == 2 and all(map(is_text, names))), "names", names)
    for name in ("n_a", "n_b"):
        _need(_whole(info.get(name, 0)) and 0 <= info.get(name, 0) < 2**48, name, info.get(name))
    for name in ("left_out", "dropped_rows", "cards", "exemplars", "versions", "describe"):
        _need(isinstance(info.get(name) or {}, dict), name, info.get(name))
    left_out = info.get("left_out") or {}
    inner = [left_out.get(side) or {} for side in "AB"]
    _need(all(isinstance(side, dict) for side in inner), "left_out", left_out)
    for count in (left_out.get("overlap"), *(side.get(kind) for side in inner for kind in ("missing", "bad"))):
        _need(count is None or (_whole(count) and 0 <= count < 2**48), "left_out", count)
    for side, n in counts.items():
        _need(isinstance((info.get("dropped_rows") or {}).get(side) or [], list), "dropped_rows", side)
        telling = (info.get("exemplars") or {}).get(side) or {}
        rows = (telling.get("rows") or []) if isinstance(telling, dict) else None
        _need(isinstance(rows, list) and all(_whole(row) and 0 <= row < n for row in rows), "exemplars", telling)
    _description(info.get("describe") or {})
    for card in (info.get("cards") or {}).values():
        _need(isinstance(card, dict), "cards", card)
        words, together = card.get("words") or [], card.get("cofiring") or []
        _need(isinstance(words, list) and isinstance(together, list), "cards", card)
        for other in together:
            _need(isinstance(other, dict) and is_text(other.get("label")), "cards", other)
            _number(other.get("share"), "cards", share=True)


def _description(told: dict[str, Any]) -> None:
    for name in ("error", "first_failure"):
        _need(told.get(name) is None or is_text(told[name]), name, told.get(name))
    _need(_whole(told.get("captions_failed", 0)), "captions_failed", told.get("captions_failed"))
    untested, sent = told.get("untested") or [], told.get("sent") or {}
    _need(isinstance(untested, (list, tuple)) and all(map(is_text, untested)), "untested", untested)
    _need(isinstance(sent, dict) and all(map(is_text, sent)), "sent", sent)
    for account in sent.values():
        _need(isinstance(account, dict), "sent", account)
        for name in ("calls", "failed_calls", "images", "prompt_tokens", "completion_tokens"):
            _need(_whole(account.get(name, 0)), name, account.get(name))


def _number(value: Any, name: str, share: bool = False) -> None:
    _need(isinstance(value, (float, np.floating)) or (_whole(value) and abs(value) < 2**63), name, value)
    _need(not share or math.isnan(value) or -1e-9 <= value <= 1 + 1e-9, name, value)


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _need(ok: Any, name: str, value: Any) -> None:
    if not ok:
        raise ValueError(f"{name} cannot be {ascii(value)[:80]}")


FORMAT = 1
_CONCEPT_ARRAYS = ("concept", "rate_a", "rate_b", "gap", "jsd", "jsd_firing", "p_value", "q_value")


def arrays_of(c: Any) -> dict[str, np.ndarray]:
    out = {"log_ratio_a": c.log_ratio_a, "log_ratio_b": c.log_ratio_b}
    for name, m in (("shows_a", c.shows_a), ("shows_b", c.shows_b)):
        out |= {f"{name}_indices": m.indices, f"{name}_indptr": m.indptr}
    return out | {f"concepts_{name}": getattr(c.concepts, name) for name in _CONCEPT_ARRAYS}


def fields_of(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What a ``Comparison`` is made of."""
    tuples = {"echoes", "exemplars", "also", "words", "interval", "path"}
    plain: list[dict[str, Any]] = [{k: tuple(v) if k in tuples else v for k, v in h.items()} for h in head["candidates"]]
    candidates = tuple(Hypothesis(**h) for h in plain)

    def shows(name: str) -> sp.csr_array:
        indices, indptr = arrays[f"{name}_indices"], arrays[f"{name}_indptr"]
        return sp.csr_array((np.ones(len(indices), bool), indices, indptr), shape=(len(indptr) - 1, len(candidates)))

    return {
        "candidates": candidates,
        "log_ratio_a": arrays["log_ratio_a"],
        "log_ratio_b": arrays["log_ratio_b"],
        "shows_a": shows("shows_a"),
        "shows_b": shows("shows_b"),
        "two_sample": TwoSampleTest(**head["two_sample"]),
        "differs": head["differs"],
        "smallest_detectable": head["smallest_detectable"],
        "concepts": ConceptTable(**{name: arrays[f"concepts_{name}"] for name in _CONCEPT_ARRAYS}, name=tuple(head["concept_names"])),
        "config": CompareConfig(**head["config"]),
        "info": head["info"],
    }
