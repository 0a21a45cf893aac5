"""A first answer comes before a long training, is the same however rows lie, and changes nothing of the final one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff import Cancelled, CompareConfig, CompareRequest, Comparison, Vocabulary, compare
from latentdiff.comparing import first as module
from latentdiff.comparing.first import STEPS, worth
from latentdiff.comparing.mirroring import mirrored
from latentdiff.report import verdict
from latentdiff.report.content import content
from latentdiff.sae import spaces
from latentdiff.sae.schedule import default_active, default_batch, default_concepts, default_steps, step_seconds, training_seconds
from tests.comparing.test_same_answer import same

RNG = np.random.default_rng(5)
DIRECTIONS = np.linalg.qr(RNG.standard_normal((16, 16)))[0].astype(np.float32)
WORDS = Vocabulary([f"word {i}" for i in range(16)], DIRECTIONS + 0.3)
A, B = (RNG.gamma(0.4, 0.5, (n, 16)).astype(np.float32) @ DIRECTIONS for n in (90, 70))
A[:25] += 2 * DIRECTIONS[2]
CONFIG = CompareConfig(sae_concepts=24, sae_active=3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few vectors, training counts as long."""
    monkeypatch.setattr(module, "LEAST", 0.0)
    monkeypatch.setattr(module, "TIMES", 0.0)


def both(a: np.ndarray, b: np.ndarray, **options: Any) -> tuple[list[Comparison], Comparison]:
    early: list[Comparison] = []
    final = compare(a, b, vocabulary=WORDS, config=CONFIG, first=early.append, **options)
    return early, final


def test_one_first_answer_and_the_final_one_is_what_it_is_without(at_once: None) -> None:
    (early,), final = both(A, B, sae="pair")
    same(final, compare(A, B, vocabulary=WORDS, config=CONFIG, sae="pair"))
    assert early.provisional and not final.provisional
    assert repr(early).startswith("Comparison(first answer: ") and "first answer" not in repr(final)
    assert early.differs and early.hypotheses[0].text == final.hypotheses[0].text == "word 2"
    assert early.info["sae"]["training"]["steps"] == early.info["first"]["steps"] == STEPS < final.info["sae"]["training"]["steps"]
    assert early.info["first"]["seconds"] == round(training_seconds(160, 16, 24, 3, 60.0), 1)
    assert "first answer" in final.info["seconds"] and early.info["seconds"][module.FOLLOWS] > 0


def test_it_is_said(at_once: None, tmp_path: Path) -> None:
    (early,), final = both(A, B, sae="pair")
    assert verdict(early, "A", "B").startswith("First answer: A and B differ") and verdict(final, "A", "B").startswith("A and B differ")
    assert module.REMARK in content(early).notes and module.REMARK not in content(final).notes
    assert Comparison.load(early.save(tmp_path / "early")).provisional
    page = latentdiff.write_report(early, tmp_path / "report.html").read_text(encoding="utf8")
    assert "First answer: A and B differ" in page and module.REMARK in page


def test_it_does_not_hang_on_the_order_of_rows_or_sides(at_once: None) -> None:
    (early,), _ = both(A, B, sae="pair")
    of_a, of_b = RNG.permutation(90), RNG.permutation(70)
    (turned,), _ = both(B, A, sae="pair")
    same(mirrored(turned), early)
    (moved,), _ = both(A[of_a], B[of_b], sae="pair")
    np.testing.assert_array_equal(moved.log_ratio_a, early.log_ratio_a[of_a])
    assert moved.two_sample == early.two_sample and moved.info["first"] == early.info["first"]
    assert [(h.text, h.q_value) for h in moved.candidates] == [(h.text, h.q_value) for h in early.candidates]
    assert "lengths" in early.info


def test_only_where_an_sae_has_to_be_trained(at_once: None) -> None:
    early, _ = both(A, B)
    again, _ = both(A, B)  # that of these very vectors is kept now
    given, _ = both(A, B, sae=latentdiff.train_sae(A, concepts=24, active=3, steps=20))
    assert (len(early), len(again), len(given)) == (1, 0, 0)
    assert all(sae.vectors == 160 for sae in latentdiff.kept_saes())  # that of the first answer is kept nowhere


def test_before_the_vectors_of_a_field_are_read(at_once: None) -> None:
    told: list[str] = []

    def rows(progress: Any) -> np.ndarray:
        told.append("read")
        return np.concatenate([A, B])

    field = spaces.Space("field", {"field": "clip"}, 160, rows, asked=True)
    compare(A, B, vocabulary=WORDS, config=CONFIG, sae=field, first=lambda early: told.append("first"))
    compare(A, B, vocabulary=WORDS, config=CONFIG, sae=field, first=lambda early: told.append("first again"))
    assert told == ["first", "read"]


def test_none_where_a_known_concept_is_of_the_final_answers_sae(at_once: None) -> None:
    _, final = both(A, B, sae="pair")
    known = dataclasses.replace(final.hypotheses[0], weak=True)  # else it is known by its word
    for one in (known, f"concept {known.concept}", f"looks like {known.text} (concept {known.concept})"):
        early, beyond = both(A, B, sae="pair", given=[one])
        assert early == [] and beyond.info["given"]["names"]
    early, _ = both(A, B, sae="pair", given=[final.hypotheses[0]])
    assert len(early) == 1 and early[0].info["given"]["names"] == [known.text]


def test_stopped_between_the_two(at_once: None) -> None:
    early: list[Comparison] = []

    def progress(fraction: float, label: str) -> None:
        if early:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        compare(A, B, vocabulary=WORDS, config=CONFIG, first=early.append, progress=progress)
    assert len(early) == 1 and latentdiff.kept_saes() == []


def test_worth_by_the_seconds_of_all_steps() -> None:
    for n, d in ((1_000, 512), (20_000, 512), (50_000, 768)):
        concepts = default_concepts(n, d)
        active, batch = default_active(concepts), default_batch(n)
        assert training_seconds(n, d) == pytest.approx(default_steps(n) * step_seconds(d, concepts, active, batch))
    assert training_seconds(50_000, 768, seconds=2.0) <= 2.0 < training_seconds(50_000, 768)
    config = CompareConfig()
    assert worth(1_000, (1_000, 512), config) == training_seconds(1_000, 512, seconds=60.0)
    assert worth(20_000, (1_000, 512), config) > worth(4_000, (1_000, 512), config) > 0
    assert worth(200, (200, 512), config) == 0  # trained in a moment
    assert worth(20_000, (200_000, 512), config) == 0  # where all the rest takes longer than training


def test_requests_and_parquet_hand_it_on(at_once: None, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from latentdiff.scale.parquet import compare_parquet

    early: list[Any] = []
    outcome = CompareRequest(A, B, vocabulary=WORDS, sae="pair", method=CONFIG, names=("new", "old")).run(first=early.append)
    (got,) = early
    assert got.comparison.provisional and got.names == outcome.names == ("new", "old") and got.comparison.info["names"] == ["new", "old"]
    for name, x in (("a", A), ("b", B)):
        rows = {"id": [f"{name}{i}" for i in range(len(x))], "vector": pa.FixedSizeListArray.from_arrays(x.ravel(), 16)}
        pq.write_table(pa.table(rows), tmp_path / f"{name}.parquet")
    early.clear()
    sides = (str(tmp_path / f"{name}.parquet") for name in "ab")
    compare_parquet(*sides, vocabulary=WORDS, sae="pair", config=CONFIG, first=early.append)
    assert early[0].provisional and early[0].info["engine"] == "local"
