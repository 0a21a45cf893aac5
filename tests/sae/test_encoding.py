"""The encoding kernel in bf16 and on other devices: the codes stay those of the equation."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest

from latentdiff import CompareConfig, SparseAutoencoder, Vocabulary, compare
from latentdiff.errors import InputError
from latentdiff.sae import encoding, screening

D, K, N = 64, 300, 700


@pytest.fixture
def sae() -> SparseAutoencoder:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(D, K)) / np.sqrt(D)
    return SparseAutoencoder(w, rng.normal(size=K) / 5, w.T, 30 + rng.normal(size=D), rng.uniform(1.5, 2.5, K))


@pytest.fixture
def vectors(sae: SparseAutoencoder) -> np.ndarray:
    """Far from the origin, as CLIP's are: bf16 of the raw vectors would lose what is particular about them."""
    return (sae.b_dec + np.random.default_rng(1).normal(size=(N, D))).astype(np.float32)


def activations(sae: SparseAutoencoder, x: np.ndarray) -> np.ndarray:
    """The published equation in float64, before the threshold."""
    return (x.astype(np.float64) - sae.b_dec) @ sae.w_enc.astype(np.float64) + sae.b_enc


def test_bf16_codes_are_those_of_the_equation(sae, vectors) -> None:
    """Of 210,000 activations, rounding to 8 bits alone would move hundreds across their thresholds and all by a thousandth."""
    a = activations(sae, vectors)
    codes = sae.encode(vectors, precision="bfloat16").toarray()
    rounding = 2e-5
    sure = np.abs(a - sae.threshold) > rounding
    np.testing.assert_array_equal((codes > 0)[sure], (a > sae.threshold)[sure])
    both = (codes > 0) & (a > sae.threshold)
    assert both.sum() > 1000
    np.testing.assert_allclose(codes[both], a[both], atol=rounding)


def test_bf16_really_multiplies_in_bf16_and_needs_its_slack(sae, vectors, monkeypatch) -> None:
    monkeypatch.setattr(encoding, "SLACK", -0.05)
    missed = sae.encode(vectors).nnz - sae.encode(vectors, precision="bfloat16").nnz
    assert missed > 10  # what the bf16 product does not offer is not looked at again


def test_findings_do_not_hang_on_the_precision() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((60, 96)).astype(np.float32)

    def side(n: int, often: list[int]) -> np.ndarray:
        weight = np.where(np.isin(np.arange(60), often), 4.0, 1.0)
        which = rng.choice(60, (n, 2), p=weight / weight.sum())
        return (20 + centres[which].sum(1) + 0.5 * rng.standard_normal((n, 96))).astype(np.float32)

    a, b = side(1500, [0, 1, 2, 3]), side(1100, [4, 5, 6])
    w = np.concatenate([centres, rng.standard_normal((340, 96)).astype(np.float32)])
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    some = SparseAutoencoder(w.T, np.zeros(400), w, np.full(96, 20), np.full(400, 4.5))
    words = Vocabulary([f"word {i}" for i in range(60)], centres)
    half, full = (compare(a, b, sae=some, vocabulary=words, config=CompareConfig(precision=p)) for p in ("bfloat16", "float32"))
    for s in "AB":
        assert [h.text for h in half.top(s, 5)] == [h.text for h in full.top(s, 5)] != []
    significant = full.concepts.q_value <= full.config.alpha
    assert significant.sum() > 5
    np.testing.assert_allclose(half.concepts.jsd[significant], full.concepts.jsd[significant], rtol=0.01)


def test_chunks_and_threads_change_nothing(sae, vectors, monkeypatch) -> None:
    whole = sae.encode(vectors, precision="bfloat16")
    monkeypatch.setattr(encoding, "CHUNK_VALUES", K * 37)
    monkeypatch.setattr(encoding, "FEWEST_ROWS", 1)
    parts = sae.encode(vectors, precision="bfloat16")
    np.testing.assert_allclose(parts.toarray(), whole.toarray(), atol=2e-6)
    np.testing.assert_array_equal(parts.indptr[[0, -1]], [0, parts.nnz])
    assert parts.has_sorted_indices
    again = sae.encode(vectors, precision="bfloat16")
    np.testing.assert_array_equal(again.data, parts.data)


@pytest.mark.parametrize("precision", encoding.PRECISIONS)
def test_what_a_gpu_runs_gives_the_same_codes(sae, vectors, precision) -> None:
    """Its branches, run by torch on the CPU: what differs on a GPU is the arithmetic's rounding alone."""
    here, there = (encoding.Kernel(sae, precision, "cpu") for _ in range(2))
    there.on_cpu = False
    ours, theirs = here(0, vectors), there(0, vectors)
    assert len(ours.values) > 1000
    for name in ("counts", "columns"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-6)


def test_a_kernel_that_was_sent_away_gives_the_same_codes(sae, vectors) -> None:
    kernel = encoding.Kernel(sae, "bfloat16")
    sent = pickle.loads(pickle.dumps(kernel))
    np.testing.assert_array_equal(sent(0, vectors).values, kernel(0, vectors).values)


def test_topk_saes_never_let_more_than_k_through(sae, vectors) -> None:
    top = SparseAutoencoder(sae.w_enc, sae.b_enc, sae.w_dec, sae.b_dec, np.zeros(1), top_k=5)
    codes = top.encode(vectors, precision="bfloat16").toarray()
    a = activations(top, vectors)
    best = np.sort(a, axis=1)[:, -5:]
    np.testing.assert_allclose(np.sort(codes, axis=1)[:, -5:], np.maximum(best, 0), atol=1e-4)
    assert ((codes > 0).sum(1) <= 5).all()


def test_other_precisions_are_refused(sae, vectors) -> None:
    with pytest.raises(InputError, match=r'"float32" or "bfloat16", not "?\'?int8'):
        sae.encode(vectors, precision="int8")


def test_short_work_stays_in_float32(sae) -> None:
    assert encoding.fast_precision(1000, sae) == "float32"
    assert encoding.fast_precision(10**9, sae) in encoding.PRECISIONS


@pytest.fixture
def eight(monkeypatch) -> list[np.ndarray]:
    """Int8, on any processor and for a small SAE; holds what each chunk's product could not rule out."""
    offered: list[np.ndarray] = []
    monkeypatch.setattr(encoding, "LARGE", 0)
    monkeypatch.setattr(encoding, "has_int8", lambda: True)
    found = screening.Screen.positions

    def watched(self, h):
        offered.append(found(self, h))
        return offered[-1]

    monkeypatch.setattr(screening.Screen, "positions", watched)
    monkeypatch.setattr(screening, "MOST", 1.0)
    return offered


@pytest.mark.parametrize("outliers", [0, 1, 40])
def test_int8_codes_are_those_of_bf16_and_float32(sae, vectors, eight, outliers) -> None:
    """Entries of 13 standard deviations, a few and many, and inputs of very different spread, as CLIP's are."""
    rng = np.random.default_rng(2)
    spread = np.exp(rng.normal(size=D))
    uneven = SparseAutoencoder(sae.w_enc / spread[:, None], sae.b_enc, sae.w_dec * spread, sae.b_dec, sae.threshold)
    x = (sae.b_dec + spread * (vectors - sae.b_dec)).astype(np.float32)
    columns = rng.integers(0, D, outliers)
    x[rng.integers(0, N, outliers), columns] += 13 * spread[columns]
    plain, screened = uneven.encode(x), uneven.encode(x, precision="bfloat16")
    a = activations(uneven, x)
    sure = np.abs(a - uneven.threshold) > 1e-3
    np.testing.assert_array_equal((screened.toarray() > 0)[sure], (a > uneven.threshold)[sure])
    np.testing.assert_allclose(screened.toarray(), np.where(screened.toarray() > 0, a, 0), atol=1e-3)
    assert screened.nnz == pytest.approx(plain.nnz, abs=2) and plain.nnz > 1000
    assert len(eight) >= 1 and plain.nnz <= sum(map(len, eight)) < 0.5 * N * K


def test_int8_needs_its_limit(sae, vectors, eight, monkeypatch) -> None:
    whole = sae.encode(vectors, precision="bfloat16").nnz
    monkeypatch.setattr(screening, "DEVIATIONS", -3.0)
    assert sae.encode(vectors, precision="bfloat16").nnz < whole - 10


def test_where_int8_rules_out_too_little_bf16_does(sae, vectors, eight, monkeypatch) -> None:
    monkeypatch.setattr(screening, "MOST", 0.0)
    codes = sae.encode(vectors, precision="bfloat16")
    assert eight and all(found is None for found in eight)
    np.testing.assert_allclose(codes.toarray(), sae.encode(vectors).toarray(), atol=1e-4)


def test_weights_become_bytes_a_part_at_a_time() -> None:
    rng = np.random.default_rng(0)
    w, h = rng.standard_normal((64, 40_000), dtype=np.float32), rng.standard_normal((4, 64), dtype=np.float32)
    limit = np.full(40_000, 30.0, np.float32)
    screening.Screen(w[:, :100].copy(), limit[:100]).positions(h)  # imports
    screen = screening.Screen(w, limit)
    tracemalloc.start()
    try:
        found = screen.positions(h)
        assert tracemalloc.get_traced_memory()[1] < 2 * w.nbytes  # of all columns at once in float64 it was five times the weights
    finally:
        tracemalloc.stop()
    assert found is not None and set(np.flatnonzero(h @ w > 30.0).tolist()) <= set(found.tolist())
    for start in (0, 4_096, 36_864):  # the first column of a part, by what one byte can tell
        np.testing.assert_array_equal(screen._bytes[:, start].numpy(), np.rint(w[:, start] / screen._scale / screen._steps[start]))


def test_a_product_of_bytes_is_off_by_what_was_promised(sae, vectors) -> None:
    """The spread of rounding over all products, beside the formula's, whose longest row stands for all."""
    h = vectors - sae.b_dec
    screen = screening.Screen(sae.w_enc, np.zeros(K, np.float32))
    screen.positions(h)
    u, v = h * screen._scale, sae.w_enc / screen._scale[:, None]
    r = np.abs(u).max() / 127
    rounded = np.rint(u / r) * r @ (np.asarray(screen._bytes, np.float64) * screen._steps)
    promised = np.sqrt(r * r / 12 * np.square(v).sum(0) + screen._steps**2 / 12 * np.square(u).sum(1).max())
    off = (rounded - u.astype(np.float64) @ v) / promised
    assert 0.7 < off.std() < 1.02 and np.abs(off).max() < screening.DEVIATIONS
