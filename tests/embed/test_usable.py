"""Which vectors can be used: one rule, against a plain loop, whatever the type and however the rows are given."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest

from latentdiff import CompareConfig, InputError, compare
from latentdiff.embed.sides import Sides
from latentdiff.embed.usable import LARGEST, bad_in, bad_rows, check_bad, check_enough, check_widths
from latentdiff.sae.streams import open_source
from tests.planted import vectors


def spoilt(n: int) -> np.ndarray:
    """Rows of which some are bad in every way that there is, at both ends of blocks too."""
    x = vectors(n, 0.1, 0).astype(np.float64)
    x[[3, 2047, 2048, n - 1], [0, 1, 2, 3]] = [np.nan, np.inf, -np.inf, 1e300]
    x[[10, 11], 5] = [1e20, -2e15]
    x[[20, 21]] = [[0.0], [-0.0]]
    x[22], x[23], x[24, 2] = 0, 0, LARGEST
    x[23, 15] = 1e-30
    return x


def loop(x: np.ndarray) -> list[int]:
    """One number at a time."""
    rows = np.asarray(x, np.float64).tolist()
    return [i for i, row in enumerate(rows) if not all(math.isfinite(v) and abs(v) <= 1e15 for v in row) or all(v == 0 for v in row)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_bad_rows_agree_with_a_loop(dtype: type) -> None:
    with np.errstate(over="ignore"):
        x = spoilt(5000).astype(dtype)
    expected = loop(x)
    assert bad_rows(x).tolist() == expected and len(expected) >= 8
    assert bad_in(x).tolist() == expected
    assert bad_rows(x[:0]).tolist() == []


def test_the_same_rows_are_left_out_of_two_sides_and_of_training() -> None:
    x, b = spoilt(3000), vectors(50, 0.5, seed=9)
    sides = Sides(x, b, skip_bad=True)
    assert sides.dropped == {"A": loop(x), "B": []}
    assert open_source(x, skip_bad=True).bad.tolist() == loop(x)
    with pytest.raises(InputError, match="nothing but zeros"):
        open_source(x)


def test_zeros_are_left_out_and_counted() -> None:
    a, b = vectors(40, 2 / 3, seed=1), vectors(50, 1 / 20, seed=2)
    a[7] = 0
    with pytest.raises(InputError, match=r"nothing but zeros \(A: rows 7\); .*leave them out: CompareConfig\(skip_bad=True\)"):
        compare(a, b)
    assert compare(a, b, config=CompareConfig(skip_bad=True, sae_seconds=1)).info["dropped_rows"] == {"A": [7], "B": []}


def test_messages_name_the_sides_as_they_are_called() -> None:
    with pytest.raises(InputError, match=r"summer has vectors of width 3, winter of 4"):
        check_widths({"summer": 3, "winter": 4})
    with pytest.raises(InputError, match=r"summer: rows x, y, z, p, q, \.\.\. \(6 in all\)"):
        check_bad({"summer": list("xyzpqr"), "winter": []}, skip_bad=False)
    with pytest.raises(InputError, match=r"winter has 19 usable images \(left out: 3 with a bad vector\); at least 20"):
        check_enough("winter", 19, {"bad": 3, "missing": 0})
    check_widths({"A": 3, "B": 3})
    check_bad({"A": [1], "B": []}, skip_bad=True)
    check_enough("A", 20, {})


def test_narrowed_sides_hold_rows_of_the_first() -> None:
    a, b = vectors(60, 0.5, seed=1), vectors(30, 0.2, seed=2)
    whole = Sides(a, b)
    few = whole.narrowed(40, np.random.default_rng(0))
    assert (few.n_a, few.n_b, whole.n_a, whole.n_b) == (40, 30, 60, 30)
    np.testing.assert_array_equal(few[np.arange(70)], np.concatenate([a[few.keep_a], b[few.keep_b]]))
    np.testing.assert_allclose(few.mean_direction, np.mean([x / np.linalg.norm(x) for x in few[np.arange(70)]], axis=0), atol=1e-6)


def test_nothing_outside_changes_sides(root: Path) -> None:
    """Their attributes are set where they are defined, and nowhere else."""
    own = {"keep_a", "keep_b", "n_a", "n_b", "dropped", "order", "pooled_order", "keys", "swapped", "_where"}
    inside = {"latentdiff/embed/sides.py", "latentdiff/scale/ray_sides.py", "latentdiff/embed/vectors.py"}
    found = []
    for path in (root / "latentdiff").rglob("*.py"):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in own and name not in inside:
                of_itself = isinstance(node.value, ast.Name) and node.value.id == "self"
                found += [] if of_itself else [f"{name}:{node.lineno} {node.attr}"]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr" and getattr(node.args[0], "id", "") == "sides":
                found.append(f"{name}:{node.lineno}")
    assert not found
