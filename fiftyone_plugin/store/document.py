"""A comparison ↔ the plain JSON that a FiftyOne custom run stores (no NaN, no class path, no pickle)."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from latentdiff.compute.files import read_npz, strict, what_is_wrong
from latentdiff.errors import CheckpointError
from latentdiff.results.comparison import Comparison
from latentdiff.results.storage import Newer, from_parts, to_parts

T = TypeVar("T")

TEXTS, MOST_TEXTS = "texts", 500
"""Entry of a record's verdict, and how many texts it has at most: every list of comparisons reads it."""


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
    return dict(strict({"differs": bool(comparison.differs), **found, TEXTS: texts_of(comparison)}))


def texts_of(*comparisons: Comparison) -> list[str]:
    """What findings are called and could be called, best first, then fields that differ: what lists are searched for. Each once."""
    found = [text for c in comparisons for h in c.hypotheses for text in (h.text, *h.folded)]
    fields = [d.name for c in comparisons for d in c.fields]
    other = [text for c in comparisons for h in c.hypotheses for text in (*h.echoes, *h.also, *h.words)]
    return list(dict.fromkeys([*found, *fields, *other]))[:MOST_TEXTS]


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
    return to_stored(head, arrays, {"a": ids_a, "b": ids_b})


def to_stored(head: dict[str, Any], arrays: dict[str, np.ndarray], ids: dict[str, np.ndarray]) -> dict[str, Any]:
    """A head, and its arrays as one base64 ``npz`` with ids of rows among them.

    Args:
        head: strict JSON.
        arrays: what goes with it.
        ids: by a name, (n,) str: 24-digit ids.
    """
    packed = {f"ids_{name}": np.frombuffer(bytes.fromhex("".join(own.tolist())), np.uint8).reshape(-1, 12) for name, own in ids.items()}
    out = io.BytesIO()
    np.savez(out, **arrays, **packed)  # type: ignore[arg-type]
    return {**head, "arrays": base64.b64encode(out.getvalue()).decode("ascii")}


def from_document(document: dict[str, Any]) -> tuple[Comparison, np.ndarray, np.ndarray]:
    """Read what :func:`to_document` made, in this version or an earlier one.

    Returns:
        The comparison and the ids (n_a,), (n_b,) of its rows.

    Raises:
        CheckpointError: a document that is damaged, or that a later version made and this one cannot read.
    """

    def opened(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> Comparison:
        comparison: Comparison = from_parts(Comparison, head, arrays)
        counts = tuple(len(arrays[f"ids_{side}"]) for side in "ab")
        if counts != (len(comparison.log_ratio_a), len(comparison.log_ratio_b)):
            raise ValueError("ids and log ratios differ in number")
        return comparison

    comparison, (ids_a, ids_b) = read_document(document, ("a", "b"), opened)
    return comparison, ids_a, ids_b


def read_document(
    document: dict[str, Any], names: tuple[str, ...], opened: Callable[[dict[str, Any], dict[str, np.ndarray]], T]
) -> tuple[T, list[np.ndarray]]:
    """What :func:`to_stored` packed, with its ids by their names.

    Args:
        document: as it was stored.
        names: of the ids.
        opened: head and arrays → what was stored; whatever it raises says that the document is damaged.

    Raises:
        CheckpointError: a document that is damaged, or that a later version made and this one cannot read.
    """
    if not document:
        raise CheckpointError("the results of this comparison are no longer in the database, or damaged; delete it and compare again")
    try:
        arrays = read_npz(base64.b64decode(document["arrays"]))
        return opened(document, arrays), [_names(arrays[f"ids_{name}"]) for name in names]
    except Newer as e:
        raise CheckpointError(f"the stored comparison was {e}") from e
    except Exception as e:
        raise CheckpointError(f"the stored comparison cannot be read: {what_is_wrong(e)}; delete it and compare again") from e


def _names(packed: np.ndarray) -> np.ndarray:
    digits = packed.tobytes().hex()
    return np.array([digits[i : i + 24] for i in range(0, len(digits), 24)], dtype="U24")
