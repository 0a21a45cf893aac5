"""Vectors with planted truth: rates, co-occurrence and independence by count; the evaluation on a small world."""

from __future__ import annotations

import json

import numpy as np
import pytest

import latentdiff
from latentdiff.benchmark.planted import PlantedWorld, WorldConfig
from latentdiff.benchmark.suites import planted_truth
from latentdiff.errors import InputError

SMALL = WorldConfig(width=64, concepts=40, distractors=60, scenes=10, active=3.0)
CLEAR = WorldConfig(width=64, concepts=40, distractors=60, scenes=10, active=3.0, noise=0.0, background=0.0)


def shown(world: PlantedWorld, x: np.ndarray) -> np.ndarray:
    """Which concepts images show, by least squares: exact where there is neither background nor noise."""
    offset = world._offset
    strength = np.linalg.lstsq(world.directions.T, (x - offset).T, rcond=None)[0].T
    return strength > 0.3


@pytest.fixture(scope="module")
def world() -> PlantedWorld:
    return PlantedWorld(CLEAR)


def test_modes_have_exactly_their_rate(world) -> None:
    x = world.sample(2000, 5, {7: 0.01, 30: 0.2}, frozenset({3}))
    rates = shown(world, x).mean(0)
    assert rates[7] == 0.01 and rates[30] == 0.2 and rates[3] == 0


def test_concepts_have_the_populations_rates(world) -> None:
    rates = shown(world, world.sample(20_000, 1)).mean(0)
    error = np.sqrt(world.rates * (1 - world.rates) / 20_000)
    assert (np.abs(rates - world.rates) < 5 * error + 0.02 * world.rates).all()
    assert rates.sum() == pytest.approx(CLEAR.active, rel=0.03)


def test_concepts_of_one_scene_come_together(world) -> None:
    shows = shown(world, world.sample(20_000, 2)).astype(float)
    together = np.corrcoef(shows.T)
    shared = (world._in_scene.T.astype(int) @ world._in_scene) >= 2
    np.fill_diagonal(shared, False)
    apart = ~(world._in_scene.T.astype(int) @ world._in_scene).astype(bool)
    assert shared.any() and together[shared].mean() > 0.02 > 0 > together[apart].mean()


def test_a_mode_changes_nothing_else(world) -> None:
    with_mode, without = (shown(world, world.sample(20_000, s, {5: 0.1} if s == 3 else None, frozenset({5}))) for s in (3, 4))
    others = np.arange(CLEAR.concepts) != 5
    pooled = (with_mode.mean(0) + without.mean(0)) / 2
    z = (with_mode.mean(0) - without.mean(0)) / np.sqrt(pooled * (1 - pooled) * 2 / 20_000 + 1e-12)
    assert np.abs(z[others]).max() < 4
    # ... and the mode lies in its own scenes: images that show it show their scenes' concepts more often.
    company = with_mode[with_mode[:, 5]].mean(0) - with_mode.mean(0)
    mates = (world._in_scene[world._in_scene[:, 5]].any(0)) & others
    assert company[mates].mean() > company[others & ~mates].mean()


def test_same_seeds_same_images(world) -> None:
    np.testing.assert_array_equal(world.sample(50, 9, {1: 0.1}), PlantedWorld(CLEAR).sample(50, 9, {1: 0.1}))
    assert not np.array_equal(world.sample(50, 9), world.sample(50, 10))


def test_words_name_the_concepts() -> None:
    world = PlantedWorld(SMALL)
    assert len(set(world.words)) == 100 == len(world.vocabulary)
    cosine = world.vocabulary.centred @ world.directions.T
    assert (cosine.argmax(0) == np.arange(SMALL.concepts)).all()


@pytest.mark.parametrize("bad", [{99: 0.1}, {1: 0.0}, {1: 1.5}, {-1: 0.1}])
def test_refuses(world, bad) -> None:
    with pytest.raises(InputError):
        world.sample(10, 0, bad)
    with pytest.raises(InputError, match="10 concepts"):
        WorldConfig(concepts=3)


def test_the_evaluation_counts_what_was_planted(monkeypatch, tmp_path) -> None:
    from latentdiff.benchmark.runner import evaluate
    from latentdiff.benchmark.suite import Options

    monkeypatch.setattr(planted_truth, "WorldConfig", lambda seed: SMALL)
    monkeypatch.setattr(planted_truth, "CONCEPTS", 128)
    monkeypatch.setattr(planted_truth, "TRAINED_ON", 3000)
    monkeypatch.setattr(planted_truth, "RATES", (0.05, 0.2))
    monkeypatch.setattr(planted_truth, "kept_sae", lambda x, **options: latentdiff.train_sae(x, steps=100, **options))
    outcome = evaluate("planted", Options(out=tmp_path, sizes=(600,), runs=2))
    records = [r for r in map(json.loads, (outcome.folder / "records.jsonl").read_text().splitlines()) if "task" in r]
    assert sorted(r["kind"] for r in records) == ["null"] * 2 + ["power"] * 4 + ["several"] * 2
    assert len({r["kind"] for r in records[:4]}) == 3  # stopped midway, every part has some
    power = {rate: [r for r in records if r["kind"] == "power" and r["rate"] == rate] for rate in (0.05, 0.2)}
    for rate, own in power.items():
        assert outcome.report.figures[f"recall@5, n=600, {100 * rate:g} %"] == sum(r["in_top"] for r in own) / 4
    assert all(r["in_top"] == 2 for r in power[0.2])  # a fifth of all images cannot be missed
    several = [r for r in records if r["kind"] == "several"]
    proportions = [sum(r["false"].values()) / max(1, r["true"] + sum(r["false"].values())) for r in several]
    assert outcome.report.figures["FDP, all"] == pytest.approx(np.mean(proportions))
    assert outcome.report.figures["several: recall of the gate"] == sum(r["true"] for r in several) / 12
    # One comparison again, from its parts.
    suite = planted_truth.PlantedTruth(Options(out=tmp_path, sizes=(600,), runs=2))
    task = next(t for t in suite.tasks() if t.payload["rate"] == 0.2)
    assert suite.run(task)["in_top"] == 2
    assert {p.name for p in outcome.folder.glob("*.png")} == {"power.png", "null.png", "several.png"}
    assert isinstance(suite.sae, latentdiff.SparseAutoencoder) and suite.sae.concepts == 128
