"""close_gap() where it is known what B lacks, and weights where the right ones are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff import InputError
from latentdiff.cli.main import main
from latentdiff.gap.choosing import quotas
from latentdiff.gap.closing import importance
from latentdiff.stats.importance import balanced_weights, effective_size, prior_of
from tests.planted import DOG, WIDTH, WORDS, axes, vectors

KITE = 7
EYE = np.eye(WIDTH, dtype=np.float32)


def images(n: int, seed: int, **planted: int) -> np.ndarray:
    """(n, 16) vectors without dog or kite, but in the first rows: so many dogs, then so many kites."""
    x = vectors(n, 0.0, seed)
    x[:, [DOG, KITE]] = 0.05 * np.random.default_rng(seed + 100).standard_normal((n, 2))
    dogs, kites = planted.get("dogs", 0), planted.get("kites", 0)
    x[:dogs, DOG] += 1.7
    x[dogs : dogs + kites, KITE] += 1.7
    return x


@pytest.fixture(scope="module")
def given() -> dict:
    return axes()


@pytest.fixture(scope="module")
def gap(given) -> latentdiff.Gap:
    """A has 60 dogs and 60 kites of 400, B none of 300; the pool has 80 dogs (one of them six times), and three kites."""
    pool = images(500, 3, dogs=80, kites=3)
    pool[100:105] = pool[0]
    return latentdiff.close_gap(images(400, 1, dogs=60, kites=60), images(300, 2), pool, budget=90, **given)


def test_what_b_lacks_is_chosen_in_the_missing_amount_and_what_the_pool_lacks_is_said(gap) -> None:
    told = {mode.text: mode for mode in gap.modes}
    assert set(told) == {WORDS[DOG], WORDS[KITE]}
    for mode in told.values():
        assert mode.wanted == pytest.approx(300 * 0.15 / 0.85, abs=3)
    assert 60 <= told[WORDS[DOG]].there <= 80 and told[WORDS[KITE]].there == 3
    assert [mode.text for mode in gap.left] == [WORDS[KITE]] and str(gap.left[0]).startswith(f"{WORDS[KITE]}: 3 of 5")
    of = {text: [row for row, why in zip(gap.rows.tolist(), gap.why, strict=True) if why == text] for text in told}
    assert set(of[WORDS[KITE]]) == {80, 81, 82} and len(of[WORDS[DOG]]) == told[WORDS[DOG]].wanted
    assert set(of[WORDS[DOG]]) <= set(range(80)) | set(range(100, 105))
    assert len({0, 100, 101, 102, 103, 104} & set(of[WORDS[DOG]])) <= 1


def test_the_gap_is_closed_on_halves_that_had_no_part_in_it(gap) -> None:
    assert {f.text for f in gap.before.findings} == {WORDS[DOG], WORDS[KITE]}
    assert {f.text for f in gap.after.findings if f.side == "A"} == {WORDS[KITE]}
    assert gap.after.auc < gap.before.auc


def test_where_nothing_differs_nothing_is_proposed(given) -> None:
    gap = latentdiff.close_gap(images(200, 5), images(200, 6), images(100, 7, dogs=50), budget=20, **given)
    assert not gap.rows.size and not gap.modes and not gap.leave_out.size and gap.after == gap.before


def test_what_b_has_too_much_of_can_be_left_out_or_weighed_down(given) -> None:
    gap = latentdiff.close_gap(images(300, 8, dogs=30), images(300, 9, dogs=120), images(60, 10), budget=5, **given)
    assert set(gap.leave_out) <= set(range(120)) and len(gap.leave_out) == pytest.approx((120 - 30) / 0.9, abs=4)
    dogs = np.arange(300) < 120
    assert gap.weights.mean() == pytest.approx(1) and gap.weights[dogs].sum() / 300 == pytest.approx(0.1, abs=0.01)
    assert gap.effective == pytest.approx(gap.weights.sum() ** 2 / (gap.weights**2).sum()) and gap.effective < 300


def test_weights_on_gaussians_are_the_density_ratio() -> None:
    rng = np.random.default_rng(0)
    shift = np.array([0.6, -0.3, 0.2, 0, 0, 0, 0, 0])
    a, b = rng.standard_normal((3000, 8)) + 2 + shift, rng.standard_normal((3000, 8)) + 2
    eye, zeros = np.eye(8, dtype=np.float32), np.zeros(8, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(8, 3.5, np.float32))
    weights = importance(latentdiff.compare(a, b, sae=sae))
    wanted = 2 + shift
    assert np.linalg.norm(weights @ b / len(b) - wanted) < 0.05 * np.linalg.norm(wanted)
    assert np.linalg.norm(weights @ b / len(b) - a.mean(0)) < 0.2 * np.linalg.norm(shift)
    assert effective_size(weights) / len(b) == pytest.approx(np.exp(-shift @ shift), abs=0.06)


def test_balanced_weights_have_the_means_wanted_and_stay_near_the_base() -> None:
    rng = np.random.default_rng(1)
    features = np.column_stack([rng.standard_normal(400), np.arange(400) < 100, np.ones(400)])
    target = np.array([0.5, 0.1, 1.0])
    weights = balanced_weights(np.zeros(400), features, target)
    assert weights.mean() == pytest.approx(1) and weights @ features / 400 == pytest.approx(target, abs=1e-2)
    logit = np.linalg.lstsq(np.column_stack([features]), np.log(weights), rcond=None)
    assert logit[1][0] < 1e-12  # an exponential tilt: the log weights are linear in the features
    assert balanced_weights(np.zeros(400), features, features.mean(0)) == pytest.approx(np.ones(400), abs=1e-3)


def test_the_share_of_a_mode_is_taken_from_the_pool() -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.standard_normal(100) + 3, rng.standard_normal(1900)])
    assert prior_of(3 * x - 4.5, 0.5) == pytest.approx(0.05, abs=0.012)


def test_a_budget_is_shared_by_what_is_wanted() -> None:
    assert quotas([30, 10], 50) == [30, 10] and quotas([30, 10], 8) == [6, 2] and quotas([1, 1, 1], 2) == [1, 1, 0] and quotas([], 5) == []


def test_what_does_not_fit_is_refused(given) -> None:
    a, b = images(60, 1, dogs=20), images(50, 2)
    refused = ((0, a, "at least 1"), (3, a[:, :5], "widths 5, 16"), (2.5, a, "2.5"), (3, a[:0], "is empty"), (3, 0 * a, "its 60 vectors"))
    for budget, pool, said in refused:
        with pytest.raises(InputError, match=said):
            latentdiff.close_gap(a, b, pool, budget=budget, **given)
    with pytest.raises(InputError, match="at least 40"):
        latentdiff.close_gap(a[:30], b, a, budget=3, **given)
    with pytest.raises(InputError, match="of 60 and 50 images, A and B are of 50 and 60"):
        latentdiff.close_gap(b, a, a, budget=3, comparison=latentdiff.compare(a, b, **given), **given)


def test_the_command_lists_what_to_add(given, tmp_path: Path, capsys) -> None:
    for name, x in (("a", images(200, 1, dogs=60)), ("b", images(200, 2)), ("pool", images(150, 3, dogs=40))):
        np.save(tmp_path / f"{name}.npy", x)
    given["sae"].save(tmp_path / "sae")
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=EYE)
    files = [str(tmp_path / f"{name}.npy") for name in ("a", "b", "pool")]
    options = ["--budget", "25", "--sae", str(tmp_path / "sae"), "--vocabulary", str(tmp_path / "words.npz")]
    assert main(["gap", *files, *options, "--json", "--output", str(tmp_path / "add.txt")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["rows"]) == 25 and set(told["rows"]) <= set(range(40))
    assert told["modes"][0]["text"] == WORDS[DOG] and told["modes"][0]["left"]
    assert (tmp_path / "add.txt").read_text().split() == [str(row) for row in told["rows"]] == told["add"]
    assert main(["gap", *files, *options]) == 0
    assert f"\t{WORDS[DOG]}\n" in capsys.readouterr().out
