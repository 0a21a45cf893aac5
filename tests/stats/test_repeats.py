"""Near-duplicates against a loop over all pairs, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentdiff import SparseAutoencoder, compare
from latentdiff.embed.ordering import in_content_order
from latentdiff.embed.sides import Sides
from latentdiff.report.content import content
from latentdiff.report.vectors import REPEATED
from latentdiff.stats import repeats as module
from latentdiff.stats.repeats import TWIN, repeats

RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((60, 12)).astype(np.float32), RNG.standard_normal((40, 12)).astype(np.float32)
A[:9] = A[20:29] * 1.5 + 0.01 * RNG.standard_normal((9, 12))  # 18 images of A
B[:4] = A[40:44]
SAE = SparseAutoencoder(np.eye(12), np.zeros(12), np.eye(12), np.zeros(12), np.full(12, 0.5))


def loop(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    unit = np.concatenate([a, b]) / np.linalg.norm(np.concatenate([a, b]), axis=1, keepdims=True)
    unit -= unit.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    n, near = len(a), unit @ unit.T > TWIN
    np.fill_diagonal(near, False)
    parts = {"A": near[:n, :n], "B": near[n:, n:], "shared_a": near[:n, n:], "shared_b": near[n:, :n]}
    return {k: v.any(1).mean() for k, v in parts.items()}


def test_shares_are_those_of_a_loop() -> None:
    want = loop(A, B)
    assert want == pytest.approx({"A": 18 / 60, "B": 0, "shared_a": 4 / 60, "shared_b": 4 / 40})
    for swapped, given in ((False, (A, B)), (True, (B, A))):
        sides = in_content_order(Sides(*given))
        turned = {"A": "B", "B": "A", "shared_a": "shared_b", "shared_b": "shared_a"} if sides.swapped else {k: k for k in want}
        expected = loop(*given)
        assert repeats(sides) == pytest.approx({turned[k]: v for k, v in expected.items()}), swapped


def test_equal_vectors_are_counted_among_all_where_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    a = A.copy()
    a[30:45] = a[45:60]
    monkeypatch.setattr(module, "LOOKED_AT", 10)
    monkeypatch.setattr(module, "AMONG", 10)
    sides = in_content_order(Sides(a, RNG.standard_normal((40, 12))))
    assert repeats(sides)["A" if not sides.swapped else "B"] == pytest.approx(30 / 60)


def test_it_is_said_with_the_remedy_and_not_where_they_are_grouped() -> None:
    said = " ".join(content(compare(A, B, sae=SAE), names=("old", "new")).notes)
    assert "30% of the images of old nearly repeat others of it" in said
    assert "10% of the images of one side nearly repeat images of the other" in said
    assert "of new nearly" not in said
    groups = np.r_[np.arange(9), np.arange(9, 20), np.arange(9), np.arange(20, 51)]
    of_b = np.r_[groups[40:44], 100 + np.arange(36)]
    grouped = compare(A, B, sae=SAE, groups_a=groups, groups_b=of_b)
    assert not any("repeat" in note for note in content(grouped).notes)


@pytest.mark.parametrize(("name", "whole", "said"), [("ucf101", True, True), ("imagenet", False, False), ("oxford_pets", False, False)])
def test_clips_of_the_same_videos_are_said_and_other_photographs_are_not(root: Path, name: str, whole: bool, said: bool) -> None:
    folder = root.parent / "shared" / "data" / "clip_b32"
    if not (folder / f"{name}.npy").exists():
        pytest.skip(f"{folder} has no vectors of {name}")
    x = np.load(folder / f"{name}.npy").astype(np.float32)
    if whole:
        split = json.loads((folder / f"{name}.json").read_text(encoding="utf8"))["split"]
        x = x[[not str(s).startswith("train") for s in split]]
    for seed in range(3):
        rng = np.random.default_rng(seed)  # rows of one class, and of it those of one video, follow each other
        rows = (rng.permutation(len(x) // 20)[:20, None] * 20 + np.arange(20)).ravel() if whole else rng.permutation(len(x))[:400]
        found = repeats(in_content_order(Sides(x[rows[:200]], x[rows[200:]])))
        assert (max(found["A"], found["B"]) > REPEATED) is said
