"""A kept SAE is trained once, on vectors that do not hang on who asks; it is renewed when they have become others; it can be dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import latentdiff
from latentdiff import InputError, kept_saes
from latentdiff.cli.main import main
from latentdiff.compute.cache import CAPTIONS, JUDGEMENTS, recall, remember
from latentdiff.embed.ordering import content_keys
from latentdiff.sae import kept, sampling, spaces
from latentdiff.sae.sampling import spread_sample
from latentdiff.sae.spaces import Space, sae_of_content, sae_of_space

OPTIONS = {"trainer": "batchtopk", "concepts": 24, "active": 3, "seconds": 1.0, "seed": 0}
RNG = np.random.default_rng(0)
NOISE = 0.05 * RNG.standard_normal((600, 12)) + 1
X = (RNG.exponential(size=(600, 24)) * (RNG.random((600, 24)) < 0.15) @ RNG.standard_normal((24, 12)) + NOISE).astype(np.float32)
CLIP = {"model": "ViT-B-32", "pretrained": "openai", "dtype": "float32"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def by_content(x: np.ndarray) -> np.ndarray:
    return x[np.argsort(content_keys(x), kind="stable")]


class Keyed(NamedTuple):
    keys: np.ndarray
    pooled_order: np.ndarray
    in_a: np.ndarray


def get(space: Space, x: np.ndarray, y: np.ndarray | None = None) -> latentdiff.SparseAutoencoder:
    """Of x against y; without y, of halves of x that nothing tells apart."""
    both = x if y is None else np.concatenate([x, y])
    a = np.arange(len(x)) % 2 == 0 if y is None else np.arange(len(both)) < len(x)
    keys = content_keys(both)
    return sae_of_space(space, by_content(both), Keyed(keys, np.argsort(keys, kind="stable"), a), OPTIONS, lambda *_: None)


def equal(a: latentdiff.SparseAutoencoder, b: latentdiff.SparseAutoencoder) -> bool:
    same = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"))
    return same and a.info == b.info


def test_a_field_has_one_sae_for_all_pairs() -> None:
    asked = []

    def rows(progress: object) -> np.ndarray:
        asked.append(1)
        return spread_sample(X)

    field = Space("field 'clip'", {"field": "clip"}, len(X), rows)
    one, other = get(field, X[:100]), get(field, X[300:450])
    assert len(asked) == 1 and equal(one, other)
    again = latentdiff.train_sae(by_content(np.unique(X, axis=0)), **OPTIONS)
    np.testing.assert_array_equal(one.w_dec, again.w_dec)  # what is trained on is the whole field, in an order of its content
    assert one.info["kept"] == {"key": kept_saes()[0].key, "name": "field 'clip'", "version": 1, "of": 600, "why": "new"}
    assert not equal(get(Space("other", {"field": "other"}, len(X), rows), X[:100]), one) and len(asked) == 2


def test_growth_by_half_renews() -> None:
    field = {"name": "field", "identity": {"field": "clip"}}
    first = get(Space(**field, count=200, rows=lambda _: spread_sample(X[:200])), X[:100])
    kept_on = get(Space(**field, count=299, rows=lambda _: spread_sample(X[:299])), X[:100])
    assert equal(first, kept_on)
    renewed = get(Space(**field, count=300, rows=lambda _: spread_sample(X[:300])), X[:100])
    assert (renewed.info["kept"]["version"], renewed.info["kept"]["why"], renewed.info["kept"]["of"]) == (2, "grown", 300)
    assert renewed.info["training"]["vectors"] == 300 and len(kept_saes()) == 1


def test_an_encoder_learns_what_comparisons_show_it() -> None:
    clip = Space.of_encoder(CLIP)
    assert get(clip, X[:200]).info["kept"]["of"] == 200
    assert get(clip, X[150:280]).info["kept"]["of"] == 200  # 80 are new: remembered, and not enough
    third = get(clip, X[270:310])
    assert (third.info["kept"]["of"], third.info["kept"]["version"]) == (310, 2)
    assert third.info["training"]["vectors"] == 310
    assert equal(get(Space.of_encoder({**CLIP, "dtype": "bfloat16"}), X[:50]), third)
    assert not equal(get(Space.of_encoder({**CLIP, "pretrained": "laion2b"}), X[:310]), third)


def test_vectors_that_do_not_fit_renew_once() -> None:
    field = Space("field", {"field": "clip"}, 400, lambda _: spread_sample(X[:400]))
    assert get(field, X[:100]).info["kept"]["why"] == "new"
    strange = (40 * np.random.default_rng(5).standard_normal((100, 12))).astype(np.float32)
    second = get(field, strange)
    assert (second.info["kept"]["version"], second.info["kept"]["why"]) == (2, "unfit")
    assert get(field, strange).info["kept"]["version"] == 2  # the field does not hold them: training again would bring nothing
    assert get(field, X[:100]).info["kept"]["version"] == 2


def test_the_sample_is_of_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_ROWS", 50)
    monkeypatch.setattr(sampling, "CHUNK", 64)
    shuffled = np.concatenate([X, X[:40]])[np.random.default_rng(1).permutation(640)]
    sample = spread_sample(shuffled)
    np.testing.assert_array_equal(sample, by_content(np.unique(X, axis=0))[:50])
    clip = Space.of_encoder(CLIP)
    get(clip, X[:300])
    last = get(clip, X[300:])
    assert abs(last.info["kept"]["of"] - 600) < 250  # 50 hashes tell the count to 14 %
    assert (last.info["kept"]["version"], last.info["training"]["vectors"]) == (2, 50)


def test_both_sides_are_remembered_by_content() -> None:
    a, b = X[:60], X[60:130]
    config = latentdiff.CompareConfig(sae_concepts=24, sae_active=3)
    first = latentdiff.compare(a, b, config=config)
    assert [s.name for s in kept_saes()] == ["two sides of 130 vectors"]
    second = latentdiff.compare(b[::-1], a[np.random.default_rng(0).permutation(60)], config=config)
    pair = latentdiff.compare(a, b, sae="pair", config=config)
    assert second.info["sae"] == first.info["sae"] and first.info["sae"]["trained_here"]
    assert len(kept_saes()) == 1 and "kept" not in pair.info["sae"]
    np.testing.assert_array_equal(first.log_ratio_a, pair.log_ratio_a)
    assert [h.text for h in first.candidates] == [h.text for h in pair.candidates]
    latentdiff.compare(a, b, config=latentdiff.CompareConfig(sae_concepts=24, sae_active=3, seed=1))
    assert len(kept_saes()) == 2


def test_too_much_drops_what_was_used_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    def content(start: int) -> str:
        x = by_content(X[start : start + 100])
        return str(sae_of_content(x, content_keys(x), OPTIONS, lambda *_: None).info["kept"]["key"])

    import os

    first, second = content(0), content(100)
    size = kept_saes()[0].bytes
    for age, key in ((50, first), (100, second)):
        os.utime(kept.find_kept(key).folder / "config.json", (1e9 - age, 1e9 - age))
    monkeypatch.setattr(kept, "MOST_BYTES", int(2.5 * size))
    third = content(200)
    assert {s.key for s in kept_saes()} == {first, third}


def test_a_damaged_one_is_trained_again(cache: Path) -> None:
    clip = Space.of_encoder(CLIP)
    whole = get(clip, X[:100])
    (folder,) = (cache / "saes").iterdir()
    for damage in ("config.json", "sae.safetensors"):
        (folder / damage).write_bytes(b"{}")
        assert equal(get(clip, X[:100]), whole)
    (folder / "seen.npy").write_bytes(b"x")
    assert get(clip, X[:100]).info["kept"]["version"] == 1


def test_without_a_cache_it_is_trained_each_time(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert get(Space.of_encoder(CLIP), X[:100]).info["kept"]["version"] == 1
    assert kept_saes() == []


def test_listed_used_and_dropped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = get(Space.of_encoder(CLIP), X[:100])
    get(Space("field 'clip' of dataset 'street'", {"field": "clip"}, 100, lambda _: X[:100]), X[:50])
    key = made.info["kept"]["key"]
    np.testing.assert_array_equal(latentdiff.load_sae(f"kept:{key[:12]}").w_dec, made.w_dec)
    assert main(["saes"]) == 0
    told = capsys.readouterr().out
    assert f"kept:{key[:8]}  encoder ViT-B-32 openai: 24 concepts of 100 vectors" in told and "dataset 'street'" in told
    for side, rows in zip("ab", (X[:40], X[40:80]), strict=True):
        np.save(tmp_path / f"{side}.npy", rows)
    assert main(["compare", str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--sae", f"kept:{key[:12]}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["info"]["sae"]["kept"]["key"] == key
    assert main(["saes", "--drop", key[:12], "--json"]) == 0
    assert [s["name"] for s in json.loads(capsys.readouterr().out)] == ["field 'clip' of dataset 'street'"]
    assert main(["saes", "--drop", key]) == 2 and "no kept SAE" in capsys.readouterr().err
    with pytest.raises(InputError, match="latentdiff saes"):
        latentdiff.load_sae(f"kept:{key}")
    remember(CAPTIONS, "0" * 32, {"caption": "a red bus"})
    remember(JUDGEMENTS, "1" * 32, {"scores": [1.0]})
    assert main(["saes", "--drop", "none"]) == 2 and recall(CAPTIONS, "0" * 32)
    capsys.readouterr()
    assert main(["saes", "--drop-all"]) == 0 and kept_saes() == []
    assert {"dropped 1 captions", "dropped 1 judgements"} <= set(capsys.readouterr().out.splitlines())
    assert recall(CAPTIONS, "0" * 32) is recall(JUDGEMENTS, "1" * 32) is None


def test_many_vectors_are_compared_by_it_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    from latentdiff.comparing.pipeline import compare_sides
    from latentdiff.embed.sides import Sides

    config = latentdiff.CompareConfig(sae_concepts=24, sae_active=3)

    def name(asked: bool) -> str:
        found = compare_sides(Sides(X[:60], X[60:130]), sae=Space.of_encoder(CLIP, asked), config=config)
        assert found.info["sae"]["trained_here"] == (found.info["sae"]["kept"]["name"] == "two sides of 130 vectors")
        return str(found.info["sae"]["kept"]["name"])

    assert [name(False), name(True)] == ["two sides of 130 vectors", "encoder ViT-B-32 openai"]
    monkeypatch.setattr(spaces, "KEPT_FROM", 130)
    assert name(False) == "encoder ViT-B-32 openai"
    with pytest.raises(InputError, match="of which encoder or field"):
        latentdiff.compare(X[:60], X[60:130], sae="kept")
