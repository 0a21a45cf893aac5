"""A stopped or killed run goes on to the very SAE that an undisturbed one gives; what ends a run early, and how budgets count."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from latentdiff import Cancelled, CheckpointError, InputError, SparseAutoencoder, train_sae
from latentdiff.sae import training
from latentdiff.sae.schedule import (
    DECAY,
    Schedule,
    default_active,
    default_batch,
    default_concepts,
    default_steps,
    step_seconds,
    steps_within,
)

X = np.random.default_rng(0).standard_normal((400, 16)).astype(np.float32) @ np.random.default_rng(1).standard_normal((16, 16)).astype("f4")
OPTIONS = {"concepts": 40, "active": 3, "seed": 3, "steps": 120, "trainer": "matryoshka", "device": "cpu"}


def same(one: SparseAutoencoder, two: SparseAutoencoder) -> None:
    for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.info == two.info and one.groups == two.groups


@pytest.fixture(scope="module")
def undisturbed() -> SparseAutoencoder:
    return train_sae(X, **OPTIONS)


def stop_at(share: float):
    def progress(fraction: float, label: str) -> None:
        if fraction > share:
            raise Cancelled("enough")

    return progress


def test_cancelled_and_resumed_twice(tmp_path, undisturbed) -> None:
    state = tmp_path / "state"
    for share in (0.3, 0.6):
        with pytest.raises(Cancelled):
            train_sae(X, **OPTIONS, resume=state, progress=stop_at(share))
        assert state.exists()
    seen: list[float] = []
    same(train_sae(X, **OPTIONS, resume=str(state), progress=lambda f, _: seen.append(f)), undisturbed)
    assert min(f for f in seen if f > 0.03) > 0.5  # it did not start over
    assert not state.exists()


KILLED = """
import sys, numpy as np
from latentdiff.sae import training, training_run
training_run.SAVE_SECONDS = 0.0
from tests.sae.test_training_resume import OPTIONS, X
training.train_sae(X, **OPTIONS, resume=sys.argv[1], progress=lambda f, label: print(f, flush=True))
"""


def test_killed_and_resumed(tmp_path, undisturbed, root) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"]))}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "state")], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    for line in process.stdout:
        if float(line) > 0.5:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert (tmp_path / "state").exists()
    same(train_sae(X, **OPTIONS, resume=tmp_path / "state"), undisturbed)


def test_state_of_another_run_or_none_at_all(tmp_path) -> None:
    state = tmp_path / "state"
    with pytest.raises(Cancelled):
        train_sae(X, **OPTIONS, resume=state, progress=stop_at(0.3))
    before = state.read_bytes()
    with pytest.raises(InputError, match=r"active is 3 there and 4 now; use another file"):
        train_sae(X, **{**OPTIONS, "active": 4}, resume=state)
    with pytest.raises(InputError, match="data is"):
        train_sae(X + 1, **OPTIONS, resume=state)
    assert state.read_bytes() == before
    for damaged in (before[:1000], b"", b"\0" * 100, before.replace(b"latentdiff-sae-training-1", b"latentdiff-sae-training-9")):
        state.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is no interrupted training"):
            train_sae(X, **OPTIONS, resume=state)


def test_matryoshka_groups(undisturbed) -> None:
    """Shares .0625, .125, .25, .5625 of 40; the coarse groups alone explain more than as many of any others."""
    assert undisturbed.groups == (2, 6, 10, 22)
    assert train_sae(X, concepts=6, active=2, steps=2, trainer="matryoshka", device="cpu").groups == (1, 2, 3)  # no empty group
    plain = train_sae(X, **{**OPTIONS, "trainer": "batchtopk"})
    assert plain.groups is None

    def by_first(sae: SparseAutoencoder, k: int) -> float:
        codes = sae.encode(X).toarray()
        codes[:, k:] = 0
        return float(1 - np.square(X - codes @ sae.w_dec - sae.b_dec).sum() / np.square(X - X.mean(0)).sum())

    assert by_first(undisturbed, 8) > by_first(plain, 8) + 0.05


def test_early_stop_winds_down() -> None:
    sae = train_sae(X, concepts=40, active=3, steps=3000, device="cpu")
    assert sae.info["training"]["stopped"] == "plateau"
    assert sae.info["training"]["steps"] < 2400
    full = train_sae(X, concepts=40, active=3, steps=300, early_stop=False, device="cpu")
    assert (full.info["training"]["stopped"], full.info["training"]["steps"]) == ("steps", 300)


def test_schedule_rises_holds_and_falls_to_nothing() -> None:
    s = Schedule(1000)
    rates = np.array([s.rate(i) for i in range(s.end)])
    assert s.end == 1000 and rates[0] == 0.05 and (rates[19:800] == 1).all() and rates[900] == 0.5 and rates[-1] == 1 / 200
    for step, explained in ((50, 0.1), (100, 0.7), (150, 0.7), (200, 0.6), (250, 0.7005), (270, 0.7)):
        s.look(step, explained)
        assert s.end == 1000
    s.look(300, 0.7006)
    assert (s.stopped, s.winding_down, s.end) == ("plateau", 300, 375)
    assert s.rate(300) == 1 and s.rate(374) == pytest.approx(1 / (DECAY * 375))
    s.wind_down(310, "time")
    assert s.stopped == "plateau"


def test_a_budget_is_a_number_of_steps(monkeypatch) -> None:
    """The formula, not the clock, decides; the clock is looked at past three times the budget only."""
    steps = steps_within(30.0, 384, 3072, 20, 1024)
    assert steps * step_seconds(384, 3072, 20, 1024) == pytest.approx(30, rel=0.01)
    seconds = 25 * step_seconds(16, 40, 3, 360)
    options = {"concepts": 40, "active": 3, "device": "cpu"}
    monkeypatch.setattr(training, "OVERTIME", 1e9)
    done = train_sae(X, **options, seconds=1.01 * seconds).info["training"]
    assert (done["steps"], done["stopped"]) == (25, "steps")
    monkeypatch.setattr(training, "OVERTIME", 1e-9)
    assert train_sae(X, **options, steps=200, seconds=1.0).info["training"]["stopped"] == "time"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trainer": "topk"}, "trainer must be one of 'batchtopk', 'matryoshka', not 'topk'"),
        ({"validation": 0.6}, r"in \[0, 0.5\], not 0.6"),
        ({"seconds": 0}, "positive time budget, not 0"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"device": "abacus"}, "device 'abacus' is not known"),
    ],
)
def test_options_that_cannot_be(options, message) -> None:
    with pytest.raises(InputError, match=message):
        train_sae(X, **options)


def test_without_a_validation_split() -> None:
    report = train_sae(X, concepts=40, active=3, steps=5, validation=0, device="cpu").info["training"]
    assert report["held_out"] == 0 and "explained_variance_training" not in report
    assert train_sae(X[:60], steps=5, device="cpu").info["training"]["held_out"] == 0  # six would say nothing


def test_default_dictionary_follows_the_vectors_and_the_budget() -> None:
    assert [default_concepts(n, 384) for n in (300, 1536, 4952, 64 * 384 - 1, 64 * 384)] == [300, 1536, 1536, 1536, 3072]
    step = step_seconds(384, 3072, 32, 1024)  # 25,600 vectors take 750 steps
    assert [default_concepts(25_600, 384, seconds) for seconds in (751 * step, 749 * step)] == [3072, 1536]
    assert train_sae(X, steps=2, device="cpu").info["training"]["concepts"] == default_concepts(*X.shape)


def test_small_sets_take_small_steps() -> None:
    sizes = (20, 100, 400, 1000, 4000, 18_000, 25_599, 25_600, 10**7)
    assert [default_batch(n) for n in sizes] == [32, 32, 64, 64, 128, 256, 256, 1024, 1024]
    assert [default_steps(n) for n in sizes] == [116, 174, 246, 309, 437, 637, 696, 750, 3000]
    made = train_sae(X[:200], concepts=20, steps=2, device="cpu").info["training"]
    assert (made["batch"], made["held_out"]) == (32, 20)


def test_default_sparsity_follows_the_dictionary() -> None:
    assert [default_active(k) for k in (1, 3, 8, 40, 200, 1024, 1536, 3072, 65536)] == [1, 1, 2, 10, 16, 21, 32, 32, 32]
    assert train_sae(X, concepts=40, steps=2, device="cpu").info["training"]["active"] == 10
