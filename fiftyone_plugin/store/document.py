"""A comparison ↔ the plain JSON that a FiftyOne custom run stores (no NaN, no class path, no pickle)."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from latentdiff.compute.files import read_npz, strict
from latentdiff.errors import CheckpointError
from latentdiff.results.comparison import Comparison
from latentdiff.results.storage import Newer, from_parts, to_parts


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


def verdict_of(comparison: Comparison) -> dict[str, Any]:
    """What the record of a run says of it, before its results are opened."""
    test = comparison.two_sample
    found = {"auc": test.auc, "p_value": test.p_value, "hypotheses": len(comparison.hypotheses)}
    return dict(strict({"differs": bool(comparison.differs), **found}))


def to_document(comparison: Comparison, ids_a: np.ndarray, ids_b: np.ndarray) -> dict[str, Any]:
    """Everything that a comparison found, as strict JSON.

    Args:
        comparison: the result.
        ids_a, ids_b: (n_a,), (n_b,) str: 24-digit ids of the rows.

    Returns:
        What :func:`latentdiff.results.storage.to_parts` makes of it, its arrays as one base64 ``npz`` with the ids among them; every
        hypothesis with ``exemplar_ids``, and ``gated``: whether it passes at the comparison's level.
    """
    head, arrays = to_parts(comparison)
    ids = {"A": ids_a, "B": ids_b}
    for h, stored in zip(comparison.candidates, head["candidates"], strict=True):
        exemplar_ids = [str(ids[h.side][row]) for row in h.exemplars]
        stored |= {"gated": bool(h.q_value <= comparison.config.alpha), "exemplar_ids": exemplar_ids}
    for side, names in (("a", ids_a), ("b", ids_b)):
        arrays[f"ids_{side}"] = np.frombuffer(bytes.fromhex("".join(names.tolist())), np.uint8).reshape(-1, 12)
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    return {**head, "arrays": base64.b64encode(packed.getvalue()).decode("ascii")}


def from_document(document: dict[str, Any]) -> tuple[Comparison, np.ndarray, np.ndarray]:
    """Read what :func:`to_document` made, in this version or an earlier one.

    Returns:
        The comparison and the ids (n_a,), (n_b,) of its rows.

    Raises:
        CheckpointError: a document that is damaged, or that a later version made and this one cannot read.
    """
    try:
        arrays = read_npz(base64.b64decode(document["arrays"]))
        comparison: Comparison = from_parts(Comparison, document, arrays)
        ids = {side: _names(arrays[f"ids_{side}"]) for side in "ab"}
        if (len(ids["a"]), len(ids["b"])) != (len(comparison.log_ratio_a), len(comparison.log_ratio_b)):
            raise ValueError("ids and log ratios differ in number")
        return comparison, ids["a"], ids["b"]
    except Newer as e:
        raise CheckpointError(f"the stored comparison was {e}") from e
    except Exception as e:
        raise CheckpointError(f"the stored comparison cannot be read ({type(e).__name__}: {e}); delete the run and compare again") from e


def _names(packed: np.ndarray) -> np.ndarray:
    digits = packed.tobytes().hex()
    return np.array([digits[i : i + 24] for i in range(0, len(digits), 24)], dtype="U24")
