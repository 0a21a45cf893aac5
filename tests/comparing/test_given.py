"""Known differences are looked past: the rest is compared between images that are alike in them, and what cannot be is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff import Comparison, InputError, SparseAutoencoder, Vocabulary, compare
from latentdiff.report.content import content
from latentdiff.stats.overlap import Known, overlap
from latentdiff.stats.relabelling import relabelled, weights
from latentdiff.stats.shown import parting
from latentdiff.stats.strata import Strata

WIDTH, N = 16, 400
KITE, SNOW, NIGHT = 0, 1, 2
WORDS = Vocabulary(["kite", "snow", "night", *(f"word {i}" for i in range(3, WIDTH))], np.eye(WIDTH, dtype=np.float32))
SAE = SparseAutoencoder(np.eye(WIDTH), np.zeros(WIDTH), np.eye(WIDTH), np.zeros(WIDTH), np.full(WIDTH, 0.5), {"name": "axes"})


def pictures(seed: int, shares: dict[int, Any]) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """(n, 16) vectors of three common directions each; a direction of its own on a share, or on chosen rows, of them; and which."""
    rng = np.random.default_rng(seed)
    x, has = 0.05 * rng.standard_normal((N, WIDTH)), {}
    for row in x:
        row[rng.choice(np.arange(3, WIDTH), 3, replace=False)] += rng.uniform(0.8, 1.2, 3)
    for k, share in shares.items():
        has[k] = rng.random(N) < share
        x[has[k], k] += rng.uniform(1.2, 1.6, has[k].sum())
    return x.astype(np.float32), has


A, _ = pictures(1, {KITE: 0.02, SNOW: 0.02})
B, OF_B = pictures(2, {KITE: 0.4, SNOW: 0.12})
LABELS = {"label": ["other"] * N}, {"label": np.where(OF_B[KITE], "kite", "other").tolist()}


def found_in(comparison: Comparison, side: str) -> list[str]:
    return [h.text for h in comparison.hypotheses if h.side == side]


def test_the_strong_difference_is_first_and_past_it_the_weaker_one() -> None:
    plain = compare(A, B, sae=SAE, vocabulary=WORDS)
    assert found_in(plain, "B")[:2] == ["kite", "snow"]
    kite = plain.top("B", 1)[0]
    for known in ("kite", kite):
        past = compare(A, B, sae=SAE, vocabulary=WORDS, given=[known])
        assert found_in(past, "B") == ["snow"]
        assert past.info["given"]["names"] == ["kite"]
        snow = past.hypotheses[0]
        assert snow.rate_b == pytest.approx(OF_B[SNOW][~OF_B[KITE]].mean(), abs=0.03)
    assert found_in(compare(A, B, sae=SAE, vocabulary=WORDS, given=["kite", "snow"]), "B") == []


def test_past_a_field_and_a_value_of_it_and_an_array() -> None:
    arrays = tuple(np.array([v == "kite" for v in f["label"]], float) for f in LABELS)
    fields = {"fields_a": LABELS[0], "fields_b": LABELS[1]}
    field = compare(A, B, sae=SAE, vocabulary=WORDS, **fields).fields[0]
    for known, beside in (("label", fields), ("label = kite", fields), (field, fields), (arrays, {})):
        past = compare(A, B, sae=SAE, vocabulary=WORDS, given=[known], **beside)
        said = past.info["given"]
        assert said["without"] == {"A": 0, "B": int(OF_B[KITE].sum())}  # A has no such label
        left = N - OF_B[KITE].sum()
        assert said["images"] == pytest.approx(2 * N * left / (N + left), abs=0.1)
        assert np.isnan(past.log_ratio_b).sum() == OF_B[KITE].sum()
        assert "snow" in found_in(past, "B")
    (note,) = (n for n in content(past).notes if n.startswith("looking past"))
    assert f"{OF_B[KITE].sum()} of B have no counterpart" in note


def test_strata_of_one_value_change_nothing() -> None:
    plain = compare(A, B, sae=SAE, vocabulary=WORDS, fields_a={"x": ["same"] * N}, fields_b={"x": ["same"] * N})
    alone = {"fields_a": {"x": np.zeros(N), "y": np.arange(N) % 7}, "fields_b": {"x": np.zeros(N), "y": np.arange(N) % 5}}
    past = compare(A, B, sae=SAE, vocabulary=WORDS, given=[(np.zeros(N), np.zeros(N))], **alone)
    without = compare(A, B, sae=SAE, vocabulary=WORDS, **alone)
    assert past.candidates == without.candidates
    assert past.two_sample == without.two_sample
    assert past.tested_fields == without.tested_fields
    np.testing.assert_array_equal(past.log_ratio_a, without.log_ratio_a)
    assert past.info["given"]["images"] == N
    assert plain.fields == ()


def test_a_confounder_explains_and_what_is_beside_it_stays() -> None:
    """Night pictures come from camera 2 alone, which took most of B; snow is more frequent in B from either camera."""
    rng = np.random.default_rng(5)
    camera_a, camera_b = np.where(rng.random(N) < 0.8, 1, 2), np.where(rng.random(N) < 0.2, 1, 2)
    a, _ = pictures(6, {NIGHT: 0.4 * (camera_a == 2), SNOW: 0.05})
    b, has = pictures(7, {NIGHT: 0.4 * (camera_b == 2), SNOW: 0.25})
    fields = {"fields_a": {"camera": camera_a}, "fields_b": {"camera": camera_b}}
    plain, past = (compare(a, b, sae=SAE, vocabulary=WORDS, given=given, **fields) for given in ([], ["camera"]))
    assert found_in(plain, "B")[:2] == ["night", "snow"]
    night = next(h for h in plain.hypotheses if h.text == "night")
    assert night.fields[0].field == "camera = 2"
    assert night.fields[0].left == pytest.approx(0, abs=0.15)
    assert found_in(past, "B") == ["snow"]
    assert past.fields == ()
    share = {c: ((camera_a == c).sum() * (camera_b == c).sum()) / ((camera_a == c).sum() + (camera_b == c).sum()) for c in (1, 2)}
    adjusted = sum(w * has[SNOW][camera_b == c].mean() for c, w in share.items()) / sum(share.values())
    assert past.hypotheses[0].rate_b == pytest.approx(adjusted, abs=0.01)


def test_exchanging_the_sides_mirrors_it() -> None:
    past = compare(A, B, sae=SAE, vocabulary=WORDS, given=["kite"])
    other = compare(B, A, sae=SAE, vocabulary=WORDS, given=["kite"])
    assert found_in(past, "B") == found_in(other, "A")
    assert past.info["given"]["without"] == {"A": other.info["given"]["without"]["B"], "B": other.info["given"]["without"]["A"]}
    np.testing.assert_array_equal(past.log_ratio_b, -other.log_ratio_a)


def test_relabelling_within_strata_keeps_every_strata_s_counts() -> None:
    rng = np.random.default_rng(0)
    strata, in_a = rng.integers(0, 4, 200), rng.random(200) < 0.4
    labels = relabelled(in_a, None, 50, 3, strata)
    for s in range(4):
        assert set(labels[strata == s].sum(0).tolist()) == {float(in_a[strata == s].sum())}
    assert len(np.unique(labels[:, 1:], axis=1).T) == 50
    x = rng.normal(size=200)
    a, b = Strata(in_a, strata).means(x)
    assert x @ weights(labels, strata)[:, 0] == pytest.approx(a - b, abs=1e-6)


def test_many_known_things_are_held_equal_by_their_propensity() -> None:
    """Three numbers shift with the side; within strata of the propensity they hardly do."""
    rng = np.random.default_rng(1)
    in_a = np.arange(1200) < 600
    x = rng.normal(0, 1, (1200, 3)) + 0.5 * in_a[:, None]
    found = overlap([Known("numbers", x)], in_a)
    assert found.by == "propensity"
    within = Strata(in_a[found.kept], found.strata[found.kept])
    for column in x[found.kept].T:
        a, b = within.means(column)
        assert abs(a - b) < 0.1
    assert 300 < found.images < 600


def test_shown_and_not_shown_are_no_stratum_however_many_phrases_are_given() -> None:
    """A fifth of A and a hundredth of B show the first thing; the second has nothing to do with the sides."""
    rng = np.random.default_rng(2)
    in_a, numbers = np.arange(900) < 400, rng.normal(size=(2, 900))
    numbers[0] += 3 * (rng.random(900) < np.where(in_a, 0.2, 0.01))
    known = [Known("strong", numbers[0], cut=1.8), Known("other", numbers[1], cut=1.2), Known("number", rng.normal(size=900))]
    found = overlap(known, in_a)
    assert found.by == "propensity"
    for one in known[:2]:
        shown = one.values > one.cut
        assert not set(found.strata[shown]) & set(found.strata[~shown])


def test_what_hardly_one_side_shows_is_left_out_of_each_camera_by_itself() -> None:
    """Of camera 1, 5 of A's 300 images show it and 18 of B's 60: as many as in 300 of B would be left out."""
    in_a, camera, shown = np.arange(600) < 300, np.ones(600), np.zeros(600)
    camera[360:] = 2
    shown[[*range(0, 300, 60), *range(300, 318)]] = 1
    like = shown * 2 + np.random.default_rng(0).random(600)
    found = overlap([Known("thing", like, cut=1.5), Known("camera", camera, categories=True)], in_a)
    assert found.by == "near values"
    assert not found.kept[shown == 1].any()
    assert found.kept[(shown == 0) & (camera == 1)].mean() > 0.9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("kite", "pass a list"),
        (["a red bicycle"], "name of no field"),
        ([7], "not int"),
        ([(np.zeros(3), np.zeros(N))], "a row for each image"),
        (["label = none such"], "no value 'none such'"),
        ([(np.zeros(N), np.ones(N))], "hardly any image of one side has a counterpart"),
    ],
)
def test_what_cannot_be_held_equal_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        compare(A, B, sae=SAE, vocabulary=WORDS, given=given, fields_a=LABELS[0], fields_b=LABELS[1])


def test_the_value_that_parts_with_fewest_errors_is_that_of_all() -> None:
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(size=200), 2)
    shows = values + rng.normal(0, 0.5, 200) > 1
    fewest = min(int((shows != (values > cut)).sum()) for cut in [*values, -9.0])
    assert int((shows != (values > parting(values, shows))).sum()) <= fewest + 2  # equal values lie on one side
    assert parting(np.array([1.0, 2.0, 3.0]), np.array([False, False, True])) == 2.5


def test_groups_and_given_are_refused_together() -> None:
    groups = {"groups_a": np.arange(N) // 4, "groups_b": N + np.arange(N) // 4}
    with pytest.raises(InputError, match="leave groups and pairs out"):
        compare(A, B, sae=SAE, vocabulary=WORDS, given=["kite"], **groups)


def test_nothing_given_is_nothing_known_however_it_is_said() -> None:
    plain = compare(A, B, sae=SAE, vocabulary=WORDS)
    assert compare(A, B, sae=SAE, vocabulary=WORDS, given=None).candidates == plain.candidates  # type: ignore[arg-type]
    assert latentdiff.compare_with(latentdiff.MethodConfig(), A, B, sae=SAE, vocabulary=WORDS, given=None).candidates == plain.candidates
    assert latentdiff.CompareRequest(A, B, given=None).refusals() == latentdiff.CompareRequest(A, B).refusals()  # type: ignore[arg-type]
    past = compare(A, B, sae=SAE, vocabulary=WORDS, given=(w for w in ["kite"]))
    assert past.info["given"]["names"] == ["kite"]
    for wrong, said in (("kite", "single text"), (7, "is a list")):
        with pytest.raises(InputError, match=said):
            compare(A, B, sae=SAE, vocabulary=WORDS, given=wrong)  # type: ignore[arg-type]
