"""An SAE is fair to two sides where it was trained on the same share of both: else a kept one is renewed, and another says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

import latentdiff
from latentdiff import CheckpointError, CompareConfig, SparseAutoencoder, train_sae
from latentdiff.compute.cache import npy_bytes
from latentdiff.embed.ordering import content_keys
from latentdiff.report.content import content
from latentdiff.report.reading import reading
from latentdiff.sae import sampling
from latentdiff.sae.fairness import known_counts, knows_one_better, one_sided
from latentdiff.sae.spaces import Space
from tests.planted import axes, vectors
from tests.sae.test_spaces import CLIP, X, get

FEW: dict[str, Any] = {"concepts": 24, "active": 3, "steps": 20}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))


def share(sae: SparseAutoencoder, x: np.ndarray) -> float:
    """Of vectors that an SAE was trained on, one by one."""
    known = set(sae.trained_on.tolist())
    return sum(int(key) in known for key in content_keys(x)) / len(x)


def bare(known: np.ndarray, vectors: int) -> SparseAutoencoder:
    eye, zeros = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    return SparseAutoencoder(eye, zeros, eye, zeros, zeros, {"training": {"vectors": vectors}}, trained_on=known)


def test_a_trained_one_carries_the_keys_of_its_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.concatenate([X[:100], X[:5], np.full((1, 12), np.nan, np.float32)])
    sae = train_sae(x, **FEW, skip_bad=True)
    assert sae.trained_on.tolist() == sorted({int(key) for key in content_keys(X[:100])})
    read = latentdiff.load_sae(sae.save(tmp_path / "sae"))
    np.testing.assert_array_equal(read.trained_on, sae.trained_on)
    monkeypatch.setattr(sampling, "MOST_ROWS", 40)
    np.testing.assert_array_equal(train_sae(x, **FEW, skip_bad=True).trained_on, sae.trained_on[:40])
    bare(np.array([1, 2], np.uint64), 2).save(tmp_path / "sae")
    assert latentdiff.load_sae(tmp_path / "sae").trained_on.tolist() == [1, 2]
    SparseAutoencoder(*(getattr(sae, n) for n in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold")), info={}).save(tmp_path / "sae")
    assert latentdiff.load_sae(tmp_path / "sae").trained_on is None
    header = npy_bytes(np.zeros(9, np.uint64)).replace(b"(9,), }" + 9 * b" ", b"(" + b"9" * 10 + b",), }")
    assert header != npy_bytes(np.zeros(9, np.uint64))
    for damaged in (b"no array", header, b""):  # of the second, the shape is that of 80 GB
        (tmp_path / "sae" / "trained_on.npy").write_bytes(damaged)
        with pytest.raises(CheckpointError, match="delete it"):
            latentdiff.load_sae(tmp_path / "sae")
    with pytest.raises(CheckpointError, match="ascending uint64"):
        bare(np.array([2, 1], np.uint64), 2)


def test_what_is_known_of_each_side_is_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    keys, side = rng.integers(0, 1 << 63, 300).astype(np.uint64), rng.integers(0, 3, 300)
    known = np.sort(keys[rng.random(300) < 0.4])
    got, total = known_counts(bare(known, len(known)), keys, side)
    there = set(known.tolist())
    for one in range(3):
        own = keys[side == one].tolist()
        assert (got[one], total[one]) == (sum(key in there for key in own), len(own))
    some = known[: len(known) // 2]  # of a training on more than it carries: only where a key would be among them it can be told
    got, total = known_counts(bare(some, len(known)), keys, side)
    for one in range(3):
        own = [key for key in keys[side == one].tolist() if key <= some[-1]]
        assert (got[one], total[one]) == (sum(key in there for key in own), len(own))


def test_beyond_chance_is_fishers_exact_test_over_all_pairs_of_sides() -> None:
    def p(k: int, n: int, other: int, m: int) -> float:
        law = hypergeom(n + m, k + other, n).pmf(np.arange(n + 1))
        return float(law[law <= law[k] * (1 + 1e-7)].sum())

    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(200):
        n, m = rng.integers(10, 80, 2)
        k, other = int(rng.integers(0, n + 1)), int(rng.integers(0, m + 1))
        expected = abs(k / n - other / m) > 0.05 and p(k, n, other, m) < 0.01
        got = knows_one_better(np.array([k, other]), np.array([n, m]))
        assert got == ((0, 1) if k / n > other / m else (1, 0)) if expected else got is None
        seen.add(expected)
    assert seen == {True, False}
    assert p(10, 40, 1, 40) < 0.01 and knows_one_better(np.array([10, 1]), np.array([40, 40])) == (0, 1)
    assert p(10, 40, 1, 40) * 3 > 0.01 and knows_one_better(np.array([10, 1, 5]), np.array([40, 40, 40])) is None  # of three pairs
    assert knows_one_better(np.array([4900, 0]), np.array([100_000, 100_000])) is None  # beyond chance, and too little to matter
    assert knows_one_better(np.array([10, 0]), np.array([10, 0])) is None


def test_last_month_against_this_month_renews_and_both_are_known_alike() -> None:
    field = {"name": "field", "identity": {"field": "clip"}}
    old, new = X[:300], X[300:400]
    get(Space(**field, count=300, rows=lambda _: sampling.spread_sample(old)), old)
    made = get(Space(**field, count=400, rows=lambda _: sampling.spread_sample(X[:400])), old, new)
    assert (made.info["kept"]["version"], made.info["kept"]["why"]) == (2, "one-sided")
    assert share(made, old) == share(made, new) == 1
    (listed,) = latentdiff.kept_saes()
    assert listed.why == "one-sided"
    again = get(Space(**field, count=400, rows=lambda _: sampling.spread_sample(X[:400])), new, old)
    assert again.info["kept"]["version"] == 2


def test_why_it_was_trained_last_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    from latentdiff.cli.main import main
    from latentdiff.comparing.pipeline import compare_sides
    from latentdiff.embed.sides import Sides

    config = CompareConfig(sae_concepts=24, sae_active=3)
    first = compare_sides(Sides(X[:150], X[150:300]), sae=Space.of_encoder(CLIP, True), config=config)
    found = compare_sides(Sides(X[:300], X[300:400]), sae=Space.of_encoder(CLIP, True), config=config)
    assert [c.info["sae"]["kept"]["why"] for c in (first, found)] == ["new", "one-sided"]
    (told,) = [what for title, what in reading(content(found, ("A", "B")), drawn=True) if title.startswith("concepts of encoder")]
    assert "no. 2, renewed when it knew one side better than the other, kept as" in told
    assert not any("was trained on" in note for note in content(found, ("A", "B")).notes)
    assert main(["saes"]) == 0 and "no. 2, renewed when it knew one side better than the other; " in capsys.readouterr().out


def test_of_an_encoder_what_is_new_is_learnt_too() -> None:
    clip = Space.of_encoder(CLIP)
    assert get(clip, X[:300]).info["kept"]["why"] == "new"
    made = get(clip, X[:300], X[300:400])
    assert (made.info["kept"]["version"], made.info["kept"]["why"]) == (2, "one-sided")
    assert share(made, X[:300]) == share(made, X[300:400]) == 1


def test_of_more_vectors_than_are_learnt_from_both_sides_have_the_same_share_up_to_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_ROWS", 150)
    for space in (
        lambda n: Space("field", {"field": "clip"}, n, lambda _: sampling.spread_sample(X[:n])),
        lambda _: Space.of_encoder(CLIP),
    ):
        get(space(420), X[:420])
        made = get(space(600), X[:420], X[420:])
        assert (made.info["kept"]["version"], made.info["kept"]["why"]) == (2, "one-sided")
        assert abs(share(made, X[:420]) - 0.25) < 0.06 and abs(share(made, X[420:]) - 0.25) < 0.1
        both = np.concatenate([content_keys(X[:420]), content_keys(X[420:])])
        assert not one_sided(made, both, np.repeat([0, 1], [420, 180]))


def test_random_halves_of_a_field_never_renew() -> None:
    field = Space("field", {"field": "clip"}, 400, lambda _: sampling.spread_sample(X[:400]))
    get(field, X[:400])
    for seed in range(50):
        x = X[np.random.default_rng(seed).permutation(400)]
        assert get(field, x[:150], x[150:350]).info["kept"]["version"] == 1


def test_by_chance_alone_halves_of_what_is_known_in_part_are_rarely_told_apart() -> None:
    keys = content_keys(X)
    sae = bare(np.sort(keys[:240]), 240)
    told = sum(one_sided(sae, np.random.default_rng(seed).permutation(keys), np.repeat([0, 1], [250, 350])) for seed in range(1000))
    assert told <= 20  # 10 of 1,000 at its level; 20 and more have a probability of .003


def test_a_space_that_does_not_hold_what_is_compared_is_learnt_once_more_only() -> None:
    field = Space("field", {"field": "clip"}, 300, lambda _: sampling.spread_sample(X[:300]))
    get(field, X[:300])
    versions = [get(field, X[:300], X[300:400]).info["kept"]["version"] for _ in range(3)]
    assert versions == [2, 2, 2]


def test_one_that_knows_one_side_is_told_with_the_remedy() -> None:
    a, b = vectors(120, 0.1, 0), vectors(100, 0.1, 1)
    own = train_sae(a, concepts=24, active=3, steps=60)
    vocabulary = axes()["vocabulary"]
    for one, other, known in ((a, b, "A"), (b, a, "B")):
        found = latentdiff.compare(one, other, sae=own, vocabulary=vocabulary)
        (said,) = [note for note in found.info["remarks"] if "the SAE was trained on" in note]
        unknown = "BA"["AB".index(known)]
        assert f"100% of {known} and 0% of {unknown}" in said and "leave it out" in said
        assert said in content(found, ("A", "B")).notes
    fair = train_sae(np.concatenate([a, b]), concepts=24, active=3, steps=60)
    for sae in (fair, train_sae(vectors(200, 0.1, 2), concepts=24, active=3, steps=60), axes()["sae"], None):
        assert not any("trained on" in note for note in latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary).info["remarks"])


def test_groups_bins_watches_and_gaps_say_it_too() -> None:
    x = vectors(400, 0.1, 3)
    groups = np.repeat(["one", "two", "three", "four"], 100)
    own, few = train_sae(x[:100], concepts=24, active=3, steps=60), CompareConfig(seed=0)
    said = latentdiff.compare_groups(x, groups, sae=own, config=few).info["remarks"]
    assert len(said) == 1 and "100% of one and 0% of" in said[0]
    found = latentdiff.compare_over_time(x, np.repeat([1, 2, 3, 4], 100), bins=[0.5, 1.5, 2.5, 3.5, 4.5], sae=own)
    assert len(found.info["remarks"]) == 1 and "100% of" in found.info["remarks"][0]
    watch = latentdiff.Monitor(x[:300], sae=train_sae(x[:300], concepts=24, active=3, steps=60))
    assert "100% of the reference and 0% of this batch" in watch.update(x[300:]).remarks[0]
    assert latentdiff.Monitor(x[:300]).update(x[300:]).remarks == ()
    gap = latentdiff.close_gap(x[:100], x[100:200], x[200:], budget=10, sae=own)
    assert "100% of A and 0% of" in gap.info["remarks"][0]
    assert latentdiff.close_gap(x[:100], x[100:200], x[200:], budget=10).info["remarks"] == []
