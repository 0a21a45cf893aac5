"""Fields of the images beside what the pictures show: what is tested, what it says, and under which level."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import latentdiff
from latentdiff import CompareConfig, Comparison, InputError, SparseAutoencoder, compare
from latentdiff.comparing.fields import field_differences
from latentdiff.inputs.columns import check_fields, read_columns
from latentdiff.report.content import content
from latentdiff.stats.fields import together

WIDTH, N_A, N_B = 12, 120, 180
RNG = np.random.default_rng(3)


def pictures(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, 12) vectors of three directions each, and one more on a share of them; and which."""
    x, has = 0.05 * RNG.standard_normal((n, WIDTH)), np.arange(n) < share * n
    for row in x:
        row[RNG.choice(np.arange(1, WIDTH), 3, replace=False)] += RNG.uniform(0.8, 1.2, 3)
    x[has, 0] += 1.5
    return x.astype(np.float32), has


SAE = SparseAutoencoder(np.eye(WIDTH), np.zeros(WIDTH), np.eye(WIDTH), np.zeros(WIDTH), np.full(WIDTH, 0.5), {"name": "axes"})
(A, HAS_A), (B, HAS_B) = pictures(N_A, 0.1), pictures(N_B, 0.5)


def fields(n: int, has: np.ndarray, shift: float, rare: float) -> dict[str, Any]:
    rng = np.random.default_rng(n)
    start = datetime.datetime(2024, 5, 1)
    return {
        "label": np.where(has, "kite", "other").tolist(),
        "camera": rng.integers(1, 4, n),
        "brightness": rng.normal(100 + shift, 20, n),
        "tags": [["blurred"] * (rng.random() < rare) + ["seen"] for _ in range(n)],
        "when": [start + datetime.timedelta(hours=float(h)) for h in rng.uniform(0, 900, n) + 5 * shift],
        "filepath": [f"/{n}/{i}.jpg" for i in range(n)],
        "sample_id": np.arange(n) + n,
        "format": ["jpg"] * n,
        "vector": [[0.0, 1.0]] * n,
    }


FIELDS_A, FIELDS_B = fields(N_A, HAS_A, 0, 0.02), fields(N_B, HAS_B, 25, 0.2)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(A, B, sae=SAE, fields_a=FIELDS_A, fields_b=FIELDS_B)


def test_every_kind_of_field_is_tested_by_the_test_that_fits_it(found: Comparison) -> None:
    by_name = {d.name: d for d in found.tested_fields}
    kite, bright, blurred = by_name["label = kite"], by_name["brightness"], by_name["tags = blurred"]
    table = [[HAS_A.sum(), HAS_B.sum()], [(~HAS_A).sum(), (~HAS_B).sum()]]
    assert kite.p_value == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6)
    assert (kite.side, kite.rate_a, kite.rate_b) == ("B", pytest.approx(HAS_A.mean()), pytest.approx(HAS_B.mean()))
    a, b = FIELDS_A["brightness"], FIELDS_B["brightness"]
    rank = stats.mannwhitneyu(b, a, use_continuity=False, method="asymptotic")
    assert bright.p_value == pytest.approx(2 * rank.pvalue)  # ranks and tails are two looks at it
    assert (bright.side, bright.center_a, bright.center_b) == ("B", pytest.approx(np.median(a)), pytest.approx(np.median(b)))
    assert bright.auroc == pytest.approx(rank.statistic / (N_A * N_B))
    share = [np.mean(["blurred" in t for t in f["tags"]]) for f in (FIELDS_A, FIELDS_B)]
    assert [blurred.rate_a, blurred.rate_b] == pytest.approx(share)
    seconds = [np.median([t.replace(tzinfo=datetime.timezone.utc).timestamp() for t in f["when"]]) for f in (FIELDS_A, FIELDS_B)]
    assert [by_name["when"].center_a, by_name["when"].center_b] == pytest.approx(seconds)
    assert {"camera = 1", "camera = 2", "camera = 3", "camera"} <= set(by_name)


def test_one_false_discovery_control_over_all_of_them(found: Comparison) -> None:
    tested = found.tested_fields
    q = stats.false_discovery_control([d.p_value for d in tested])
    first = found.info["verdict"]["p"]["fields"]
    assert first == pytest.approx(q.min())
    # The pictures differ surely: Hochberg's step leaves the fields at all of alpha, or doubles the smaller p of the two.
    floor = [d.q_value / max(one, 1e-300) for d, one in zip(tested, q, strict=True)]
    assert min(floor) >= 1 - 1e-9
    passing = {d.name for d in tested if d.q_value <= 0.05}
    assert {d.name for d in found.fields} == passing >= {"label = kite", "brightness", "tags = blurred"}
    assert not any(d.field == "camera" for d in found.fields)
    assert [d.p_value for d in tested] == sorted(d.p_value for d in tested)


def test_what_cannot_be_tested_is_said(found: Comparison) -> None:
    left_out = found.info["fields"]["left_out"]
    assert set(left_out) == {"filepath", "sample_id", "format", "vector"}
    (note,) = (n for n in content(found).notes if n.startswith("fields not tested"))
    assert "filepath (almost every image has a value of its own)" in note
    assert "format (the same everywhere)" in note


def test_a_finding_says_which_field_it_follows(found: Comparison) -> None:
    best = found.top("B", 1)[0]
    assert best.concept == 0
    assert best.fields[0].field == "label = kite"
    assert (best.fields[0].share, best.fields[0].usual) == (1.0, pytest.approx((HAS_A.sum() + HAS_B.sum()) / (N_A + N_B)))
    assert best.fields[0].left == pytest.approx(0, abs=0.02)


def test_exchanging_the_sides_and_the_order_of_images_changes_nothing_else(found: Comparison) -> None:
    order = np.random.default_rng(0).permutation(N_B)
    shuffled = {name: [values[i] for i in order] for name, values in FIELDS_B.items()}
    other = compare(B[order], A, sae=SAE, fields_a=shuffled, fields_b=FIELDS_A)
    for one, two in zip(found.tested_fields, other.tested_fields, strict=True):
        assert (one.name, one.side) == (two.name, {"A": "B", "B": "A"}[two.side])
        ours = [one.rate_a, one.rate_b, one.center_a, one.center_b, one.p_value, one.q_value, one.auroc]
        np.testing.assert_allclose(ours, [two.rate_b, two.rate_a, two.center_b, two.center_a, two.p_value, two.q_value, two.auroc])


def test_a_data_frame_is_a_dict_of_arrays(found: Comparison) -> None:
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame({k: list(v) for k, v in f.items()}) for f in (FIELDS_A, FIELDS_B)]
    other = compare(A, B, sae=SAE, fields_a=frames[0], fields_b=frames[1])
    assert repr(other.tested_fields) == repr(found.tested_fields)
    table = other.to_pandas(fields=True)
    assert list(table["field"]) == [d.field for d in found.fields]


def test_stored_and_read_again(found: Comparison, tmp_path: Path) -> None:
    found.save(tmp_path / "kept")
    again = Comparison.load(tmp_path / "kept")
    assert repr(again.tested_fields) == repr(found.tested_fields)
    assert repr(again.hypotheses) == repr(found.hypotheses)
    for name in ("r.csv", "r.html", "r.md", "r.json"):
        assert "brightness" in latentdiff.write_report(found, tmp_path / name).read_text(encoding="utf8")


def test_groups_are_counted_and_not_images() -> None:
    """Ten scenes a side of one camera each: 200 equal entries are ten, and five against three of ten are nothing."""
    a = {"camera": np.repeat(["x", "y"], [100, 100]).tolist()}
    b = {"camera": np.repeat(["x", "y"], [60, 140]).tolist()}
    found = read_columns(check_fields(a, b, (200, 200)), np.arange(400))  # type: ignore[arg-type]
    in_a, groups = np.arange(400) < 200, np.repeat(np.arange(20), 20)
    alone = field_differences(found, in_a, CompareConfig())
    grouped = field_differences(found, in_a, CompareConfig(), groups)
    assert alone[0].p_value < 1e-4
    assert grouped[0].p_value > 0.3


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ({"x": [1] * N_A}, None, "fields_b is missing"),
        ({"x": [1] * 5}, {"x": [1] * N_B}, "one value per row"),
        ({"x": "text"}, {"x": [1] * N_B}, "one value per row"),
        ([1], {"x": [1] * N_B}, "a dict of arrays"),
    ],
)
def test_fields_that_do_not_fit_are_refused(a: Any, b: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        compare(A, B, sae=SAE, fields_a=a, fields_b=b)


def test_a_few_extreme_numbers_are_seen_where_ranks_see_nothing() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(10, 1, 400)
    x[200:220] -= 6
    a, b = {"sharpness": x[:200]}, {"sharpness": x[200:]}
    found = read_columns(check_fields(a, b, (200, 200)), np.arange(400))  # type: ignore[arg-type]
    (d,) = field_differences(found, np.arange(400) < 200, CompareConfig())
    assert stats.mannwhitneyu(x[:200], x[200:]).pvalue > 0.01
    table = [[0, 200], [20, 180]]  # the lowest twentieth is of B alone
    assert d.p_value == pytest.approx(2 * 10 * stats.fisher_exact(table).pvalue, rel=1e-6)
    assert (d.side, d.rate_a, d.rate_b, d.name) == ("B", 0.0, 0.1, f"sharpness below {np.quantile(x, 0.05):.4g}")


def test_a_few_low_numbers_are_seen_beside_many_of_the_very_lowest() -> None:
    """Ten images of each side lack all colour, and 20 of B have hardly any: the lowest 30 would hold 10 of A and be no sure sign."""
    rng = np.random.default_rng(5)
    x = rng.uniform(30, 100, 400)
    x[190:210] = 0
    x[210:230] = rng.uniform(1, 5, 20)
    found = read_columns(check_fields({"colour": x[:200]}, {"colour": x[200:]}, (200, 200)), np.arange(400))  # type: ignore[arg-type]
    (d,) = field_differences(found, np.arange(400) < 200, CompareConfig())
    others = x[x > 0]
    cut = np.quantile(others, 0.05)  # the 19 lowest of 380
    table = [[0, 200], [int((others < cut).sum()), 200 - int((others < cut).sum())]]
    assert d.p_value == pytest.approx(2 * 11 * stats.fisher_exact(table).pvalue, rel=1e-6)  # ten tails, and those at nought
    assert (d.side, d.rate_a, d.name) == ("B", 0.0, f"colour below {cut:.4g}, 0 apart")
    x[210:230] = rng.uniform(30, 100, 20)
    x[:50] = 0  # now A lacks colour more often
    found = read_columns(check_fields({"colour": x[:200]}, {"colour": x[200:]}, (200, 200)), np.arange(400))  # type: ignore[arg-type]
    (d,) = field_differences(found, np.arange(400) < 200, CompareConfig())
    assert (d.side, d.rate_a, d.rate_b, d.name) == ("A", 0.3, 0.05, "colour exactly 0")


def test_missing_values_mixed_kinds_and_one_sided_fields() -> None:
    a = {"x": [None] * 30 + [1.5] * 70, "odd": ["a", 1] * 50, "mine": [1] * 100, "none": [None] * 100, "t": [True] * 40 + [False] * 60}
    b = {"x": [float("nan")] * 2 + [1.5] * 98, "odd": ["a", 1] * 50, "none": [float("nan")] * 100, "t": [False] * 100}
    found = read_columns(check_fields(a, b, (100, 100)), np.arange(200))  # type: ignore[arg-type]
    assert found.left_out == {
        "odd": "values of a kind that is not compared (int, str)",
        "none": "nothing entered",
        "mine": "on one side only",
    }
    by_name = {d.name: d for d in field_differences(found, np.arange(200) < 100, CompareConfig())}
    assert (by_name["x = none"].rate_a, by_name["x = none"].rate_b) == (0.3, 0.02)
    assert (by_name["t = true"].rate_a, by_name["t = true"].rate_b) == (0.4, 0.0)
    assert "t = false" not in by_name


def test_pictures_and_fields_share_one_level() -> None:
    grid = (np.arange(200) + 0.5) / 200
    claimed = np.mean([min(together(p, q)) <= 0.05 for p in grid for q in grid])
    assert claimed == pytest.approx(0.05, abs=0.001)
    assert together(0.04, 0.9) == (0.08, 0.9)
    assert together(0.04, 0.045) == (0.045, 0.045)
    assert together(0.9, 1e-6) == (0.9, pytest.approx(2e-6))


def test_a_field_that_differs_does_not_make_the_pictures_differ() -> None:
    found = compare(A[::2], A[1::2], sae=SAE, fields_a={"camera": ["x"] * 60}, fields_b={"camera": ["y"] * 60})
    assert not found.differs
    assert [d.value for d in found.fields] in (["x", "y"], ["y", "x"])
    said = content(found).verdict
    assert said.startswith("No detectable difference between the pictures of A and B")
    assert "fields or values differ" in said
    assert dataclasses.asdict(found.fields[0])["kind"] == "category"
