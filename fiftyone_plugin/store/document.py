"""A comparison ↔ the plain JSON that a FiftyOne custom run stores (no NaN, no class path, no pickle)."""

from __future__ import annotations

import base64
import dataclasses
import io
import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from latentdiff.compute.files import read_npz
from latentdiff.config import CompareConfig
from latentdiff.errors import CheckpointError
from latentdiff.results.comparison import Comparison
from latentdiff.results.hypothesis import ConceptTable, Hypothesis, TwoSampleTest
from latentdiff.results.storage import checked

_COLUMNS = ("concept", "rate_a", "rate_b", "gap", "jsd", "jsd_firing", "p_value", "q_value")
_TUPLES = ("also", "echoes", "exemplars", "path", "words")


def labels(comparison: Comparison) -> tuple[str, ...]:
    """One distinct tag per gated hypothesis, in rank order: its text, numbered where two share it ("dog", "dog (2)")."""
    out: list[str] = []
    for hypothesis in comparison.hypotheses:
        label, n = hypothesis.text, 1
        while label in out:
            n += 1
            label = f"{hypothesis.text} ({n})"
        out.append(label)
    return tuple(out)


def clean(value: Any) -> Any:
    """The same value as strict JSON: numpy scalars and arrays become Python's, NaN and infinities become None."""
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, np.ndarray):
        return clean(value.tolist())
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def hypothesis_document(hypothesis: Hypothesis, comparison: Comparison) -> dict[str, Any]:
    """One hypothesis as strict JSON, with ``gated``: whether it passes at the comparison's level."""
    return clean({**dataclasses.asdict(hypothesis), "gated": hypothesis.q_value <= comparison.config.alpha})


def to_document(comparison: Comparison, ids_a: np.ndarray, ids_b: np.ndarray) -> dict[str, Any]:
    """Everything that a comparison found, as strict JSON.

    Args:
        comparison: the result.
        ids_a, ids_b: (n_a,), (n_b,) str: 24-digit ids of the rows.

    Returns:
        Hypotheses with exemplar ids, verdict and concept table as plain lists; what is one value per image (ids, log
        ratios, who shows what) as one base64 ``npz``.
    """
    ids = {"A": ids_a, "B": ids_b}
    candidates = []
    for h in comparison.candidates:
        exemplar_ids = [str(ids[h.side][row]) for row in h.exemplars]
        candidates.append({**hypothesis_document(h, comparison), "exemplar_ids": exemplar_ids})
    arrays: dict[str, np.ndarray] = {"log_ratio_a": comparison.log_ratio_a, "log_ratio_b": comparison.log_ratio_b}
    for side, names, shows in (("a", ids_a, comparison.shows_a), ("b", ids_b, comparison.shows_b)):
        arrays[f"ids_{side}"] = np.frombuffer(bytes.fromhex("".join(names.tolist())), np.uint8).reshape(-1, 12)
        rows = sp.csr_array(shows)
        arrays |= {f"indices_{side}": rows.indices, f"indptr_{side}": rows.indptr}
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    return {
        "candidates": candidates,
        "two_sample": clean(dataclasses.asdict(comparison.two_sample)),
        "differs": bool(comparison.differs),
        "smallest_detectable": clean(comparison.smallest_detectable),
        "concepts": {name: clean(getattr(comparison.concepts, name)) for name in (*_COLUMNS, "name")},
        "config": comparison.config.to_dict(),
        "info": clean(comparison.info),
        "arrays": base64.b64encode(packed.getvalue()).decode("ascii"),
    }


def from_document(document: dict[str, Any]) -> tuple[Comparison, np.ndarray, np.ndarray]:
    """Read what :func:`to_document` made.

    Returns:
        The comparison and the ids (n_a,), (n_b,) of its rows.

    Raises:
        CheckpointError: a document that is damaged or of another version.
    """
    try:
        arrays = read_npz(base64.b64decode(document["arrays"]))
        ids = {side: _names(arrays[f"ids_{side}"]) for side in "ab"}
        comparison = checked(_comparison(document, arrays))
        if (len(ids["a"]), len(ids["b"])) != (len(comparison.log_ratio_a), len(comparison.log_ratio_b)):
            raise ValueError("ids and log ratios differ in number")
        return comparison, ids["a"], ids["b"]
    except Exception as e:
        raise CheckpointError(f"the stored comparison cannot be read ({type(e).__name__}: {e}); delete the run and compare again") from e


def _comparison(document: dict[str, Any], arrays: dict[str, np.ndarray]) -> Comparison:
    candidates = tuple(_hypothesis(h) for h in document["candidates"])

    def shows(side: str) -> sp.csr_array:
        indices, indptr = arrays[f"indices_{side}"], arrays[f"indptr_{side}"]
        return sp.csr_array((np.ones(len(indices), bool), indices, indptr), shape=(len(indptr) - 1, len(candidates)))

    table = document["concepts"]
    columns = {name: np.asarray(table[name], float) for name in _COLUMNS[1:]}
    return Comparison(
        candidates=candidates,
        log_ratio_a=arrays["log_ratio_a"],
        log_ratio_b=arrays["log_ratio_b"],
        shows_a=shows("a"),
        shows_b=shows("b"),
        two_sample=TwoSampleTest(**{name: _number(value) for name, value in document["two_sample"].items()}),
        differs=document["differs"],
        smallest_detectable=_number(document["smallest_detectable"]),
        concepts=ConceptTable(concept=np.asarray(table["concept"], np.int32), **columns, name=tuple(table["name"])),
        config=CompareConfig(**document["config"]),
        info=document["info"],
    )


def _hypothesis(stored: dict[str, Any]) -> Hypothesis:
    known = {f.name: f for f in dataclasses.fields(Hypothesis)}
    values = {name: value for name, value in stored.items() if name in known}
    for name, value in values.items():
        if name in _TUPLES:
            values[name] = tuple(value)
        elif name == "interval":
            values[name] = tuple(_number(v) for v in value)
        elif value is None and name not in ("concept", "group"):  # no number, not an unknown one
            values[name] = math.nan
    return Hypothesis(**values)


def _number(value: Any) -> Any:
    return math.nan if value is None else value


def _names(packed: np.ndarray) -> np.ndarray:
    digits = packed.tobytes().hex()
    return np.array([digits[i : i + 24] for i in range(0, len(digits), 24)], dtype="U24")
