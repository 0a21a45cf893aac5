"""compare_over_time() on vectors whose changes are known; change points against enumeration and simulation; bins against a calendar."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import latentdiff
from latentdiff import InputError
from latentdiff.cli.main import main
from latentdiff.report.writing import is_report
from latentdiff.results.trends import ChangePoint, Trend
from latentdiff.stats.change_points import change_p_values, changes_of, likely_places, place_of_change, rate_band
from latentdiff.trends import comparing
from latentdiff.trends.binning import binned, bins_of
from latentdiff.trends.courses import course_of
from tests.planted import DOG, WIDTH, WORDS, axes, vectors

EYE = np.eye(WIDTH, dtype=np.float32)
MONTHS = [f"2026-{month:02d}" for month in range(1, 9)]
SHARES = (0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25, 0.25)


@pytest.fixture(scope="module")
def given() -> dict:
    return axes()


def stream() -> tuple[np.ndarray, list[datetime.date | None]]:
    """Eight months of 60 images; dogs from April on; three images without a date."""
    x = np.concatenate([vectors(60, share, seed=i) for i, share in enumerate(SHARES)])
    dates: list[datetime.date | None] = [datetime.date(2026, 1 + i // 60, 1 + i % 28) for i in range(480)]
    dates[5] = dates[100] = dates[470] = None
    return x, dates


@pytest.fixture(scope="module")
def found(given) -> latentdiff.Trends:
    return latentdiff.compare_over_time(*stream(), bins="month", **given)


def test_what_came_in_april_is_first_seen_in_april(found) -> None:
    x, dates = stream()
    assert found.differs and found.bins == tuple(MONTHS) and found.info["left_out"]["unlabelled"] == 3
    first = found.trends[0]
    assert first.text == WORDS[DOG] and first.rises and found.bins[first.first_seen] == "2026-04"
    (change,) = first.changes
    assert found.bins[change.bin] == "2026-04" and change.earliest <= change.bin <= change.latest
    assert change.before == 0 and change.after == pytest.approx(0.25, abs=0.02)
    shown = [np.mean([x[i, DOG] > 0.5 for i, d in enumerate(dates) if d and d.month == m]) for m in range(1, 9)]
    assert first.rates == pytest.approx(shown, abs=0.12 if first.source == "word" else 1e-9)
    assert all(low <= rate <= high for low, rate, high in zip(first.low, first.rates, first.high, strict=True))
    assert all(x[row, DOG] > 0.5 for row in first.exemplars) and len(first.exemplars) == 10
    assert found.told(first).startswith(f"more {WORDS[DOG]} from 2026-04") and "first seen in 2026-04" in found.told(first)


def test_the_order_of_the_rows_changes_nothing(found, given) -> None:
    x, dates = stream()
    order = np.random.default_rng(0).permutation(len(x))
    again = latentdiff.compare_over_time(x[order], [dates[i] for i in order], bins="month", **given)
    assert [(t.text, t.rates, t.changes) for t in again.trends] == [(t.text, t.rates, t.changes) for t in found.trends]
    assert {order[row] for row in again.trends[0].exemplars} == set(found.trends[0].exemplars)
    assert again.bin_of.tolist() == found.bin_of[order].tolist()


def test_where_nothing_changes_little_is_said(given) -> None:
    claims = 0
    for seed in range(20):
        x = vectors(200, 0.2, seed)[np.random.default_rng(seed).permutation(200)]
        claims += latentdiff.compare_over_time(x, np.arange(200) // 25, **given).differs
    assert claims <= 3  # more have a probability of .016 where 1 in 20 says something


@pytest.mark.parametrize(
    ("text", "rows", "rises", "told"),
    [
        ("foal", range(50, 150), True, False),  # half of a hundred images are the pony's
        ("foal", range(51, 151), True, True),
        ("foal", range(97, 103), True, False),  # three of its six
        ("foal", range(98, 104), True, True),
        ("foal", range(50, 1000), True, False),  # half of the pony's
        ("foal", range(100), False, True),  # goes the other way
        ("boat", range(100), True, True),  # the same images, but nothing alike by name
        ("colt", range(100, 200), True, False),  # the very same by name, whatever it is shown on
        ("concept 4", range(100), True, True),
    ],
)
def test_near_names_on_the_same_images_are_told_once(text, rows, rises, told) -> None:
    x = np.zeros((40, 512), np.float32)
    x[np.arange(40), np.arange(40)] = 1
    x[1, :2], x[2, [0, 2]] = (0.4, 0.92), (0.9, 0.44)
    words = latentdiff.Vocabulary(("pony", "foal", "colt", "boat", *(f"word {i}" for i in range(36))), x)
    (foal, colt, boat), chance = words.centred[1:4] @ words.centred[0], np.sqrt(2 * np.log(40) / 512)
    assert 2.5 * chance < foal < 0.65 < colt and boat < 2.5 * chance

    def shown(text: str, rows: range, rises: bool) -> comparing._Shown:
        change = ChangePoint(3, 3, 3, *((0.0, 0.2) if rises else (0.2, 0.0)), 1e-9)
        return comparing._Shown(Trend(text, "word", None, 1e-9, 1e-8, (), (), (), (change,)), np.array(rows))

    found = [shown("pony", range(100), True), shown(text, rows, rises)]
    assert [t.text for t in comparing._distinct(found, words)] == ["pony", *([text] if told else [])]
    assert [t.text for t in comparing._distinct(found, None)] == ["pony", text]


def test_p_values_are_the_smallest_fisher_tests_times_their_number() -> None:
    rng = np.random.default_rng(0)
    totals = np.array([20, 35, 25, 40])
    counts = rng.binomial(totals, [[0.1, 0.1, 0.4, 0.4], [0.2] * 4, [0.5, 0.5, 0.5, 0.1]])
    expected = []
    for row in counts:
        tables = [[[row[:t].sum(), row[t:].sum()], [(totals - row)[:t].sum(), (totals - row)[t:].sum()]] for t in (1, 2, 3)]
        expected.append(min(1, 3 * min(stats.fisher_exact(table).pvalue for table in tables)))
    assert change_p_values(counts, totals) == pytest.approx(expected)


def test_the_place_is_that_of_the_integrated_likelihood_and_its_span_covers_it() -> None:
    totals, rng = np.full(10, 40), np.random.default_rng(1)
    counts = rng.binomial(totals, [0.1] * 4 + [0.3] * 6)
    grid = (np.arange(2000) + 0.5) / 2000
    prior = stats.beta.pdf(grid, 0.5, 0.5)

    def log_evidence(part: slice) -> float:
        shown, images = counts[part].sum(), totals[part].sum()
        return float(np.log(np.mean(prior * grid**shown * (1 - grid) ** (images - shown))))

    log = [log_evidence(slice(0, t)) + log_evidence(slice(t, 10)) for t in range(1, 10)]
    expected = np.exp(log - np.max(log))
    assert place_of_change(counts, totals) == pytest.approx(expected / expected.sum(), abs=2e-3)
    held = 0
    for _ in range(200):
        counts = rng.binomial(totals, [0.15] * 4 + [0.3] * 6)
        _, low, high = likely_places(place_of_change(counts, totals))
        held += low <= 3 <= high
    assert held >= 0.92 * 200  # .95 is meant


def test_two_changes_are_both_found_and_bands_are_jeffreys() -> None:
    totals = np.full(12, 100)
    counts = np.array([5, 4, 6, 5, 40, 42, 38, 41, 5, 6, 4, 5])
    assert [place for place, *_ in changes_of(counts, totals, 0.05)] == [3, 7]
    assert changes_of(np.full(12, 20), totals, 0.05) == []
    low, high = rate_band(np.array([0, 7, 30]), np.array([30, 30, 30]))
    assert (low[0], high[2]) == (0, 1) and low[1] == pytest.approx(stats.beta.ppf(0.025, 7.5, 23.5))


def test_bins_are_those_of_the_calendar() -> None:
    days = [datetime.date(2025, 11, 1) + datetime.timedelta(days=i) for i in range(300)]
    assert bins_of(days, "month").names[:3] == ("2025-11", "2025-12", "2026-01")
    assert bins_of(days, "quarter").names == ("2025 Q4", "2026 Q1", "2026 Q2", "2026 Q3")
    months = bins_of([d.isoformat() for d in days], "month")
    assert [months.names[b] for b in months.of_row] == [f"{d:%Y-%m}" for d in days]
    assert (bins_of(np.array(days, "datetime64[D]"), "month").of_row == months.of_row).all()
    assert bins_of(days).names == bins_of(days, "quarter").names  # 300 images are too few for months of 40
    sparse = bins_of([2020] * 30 + [2021] * 5 + [2022] * 30)
    assert sparse.names == ("2020 to 2021", "2022") or sparse.names == ("2020", "2021 to 2022")
    assert bins_of(np.arange(100.0), [0, 50, 99]).names == ("0 to 50", "50 to 99")
    weeks = bins_of(days, "week")
    monday = [d - datetime.timedelta(days=d.weekday()) for d in days]
    assert weeks.names == bins_of(np.array(days, "datetime64[ns]"), "week").names and len(weeks.names) < 24
    starts = [datetime.date.fromisoformat(name.split(" to ")[0].removeprefix("week of ")) for name in weeks.names]
    assert all(start.weekday() == 0 for start in starts) and starts[0] == monday[0] == datetime.date(2025, 10, 27)
    assert [max(i for i, start in enumerate(starts) if start <= d) for d in days] == weeks.of_row.tolist()
    labels = binned(days, "month")
    assert sorted(set(labels))[1].name == "2025-12" and str(labels[0]) == "2025-11"


def test_bins_of_numbers_have_names_that_differ() -> None:
    assert bins_of([20260301] * 30 + [20260302] * 30).names == ("20260301", "20260302")
    assert bins_of(np.arange(100.0), np.int64(4)).names == bins_of(np.arange(100.0), 4).names
    whole = bins_of(pd.Series([*range(100), None], dtype="Int64"), 4)
    assert whole.names == bins_of(np.arange(100), 4).names and whole.of_row[-1] == -1
    assert bins_of([0.12345671] * 30 + [0.12345672] * 30).names == ("0.12345671", "0.12345672")
    seconds = bins_of(1_767_225_600 + np.arange(120.0), 3).names
    assert len(set(seconds)) == 3 and abs(float(seconds[0].split()[-1]) - (1_767_225_600 + 119 / 3)) < 5


@pytest.mark.filterwarnings("error")
def test_texts_with_an_offset_are_the_moments_they_name() -> None:
    texts = ["2026-02-01T00:30:00+02:00"] * 30 + ["2026-02-01T00:30:00-02:00"] * 30 + ["2026-01-31 22:30:00Z"] * 30
    assert bins_of(texts, "month").of_row.tolist() == [0] * 30 + [1] * 30 + [0] * 30


@pytest.mark.parametrize(
    ("times", "bins", "said"),
    [
        (["soon"] * 40, None, "ISO texts"),
        ([None] * 40, None, "no image has a date"),
        ([3] * 40, None, "one date"),
        (list(range(40)), "month", "how many"),
        (["2026-01-01", "2026-03-01"] * 20, "moon", "one of hour, day"),
        (list(range(40)), [0, 10, 5], "ascending"),
        (list(range(40)), [0, 10, 20], "the values from"),
        (list(range(30)), 2, "fewer than two bins"),
        ([float("inf")] * 20 + list(range(40)), None, "20 of the numbers are infinite"),
        (["0001-01-01"] + ["2026-03-01"] * 40, "hour", "a wrong value at either end"),
        (list(range(40)), 1_000_000, "1,000,000 bins of numbers"),
        (list(range(40)), [0, 20, None, 39], "ascending"),
        (list(range(40)), [0, float("nan"), 39], "ascending"),
        (["2026-01-01", "2026-03-01"] * 20, ["2026-01-01", None, "2026-02-01", "2026-04-01"], "ascending"),
        (list(range(40)), 5.0, "a list of their edges, not 5.0"),
        (list(range(40)), object(), "a list of their edges"),
    ],
)
def test_what_cannot_be_binned_is_said(times, bins, said) -> None:
    with pytest.raises(InputError, match=said):
        bins_of(times, bins)


def test_the_command_reads_dates_and_writes_reports(given, found, tmp_path: Path, capsys) -> None:
    x, dates = stream()
    np.save(tmp_path / "all.npy", x)
    (tmp_path / "dates.txt").write_text("".join(f"{d or ''}\n" for d in dates))
    given["sae"].save(tmp_path / "sae")
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=EYE)
    options = ["--by", str(tmp_path / "dates.txt"), "--sae", str(tmp_path / "sae"), "--vocabulary", str(tmp_path / "words.npz")]
    command = ["trends", str(tmp_path / "all.npy"), *options, "--bins", "month"]
    assert main([*command, "--json", "--exit-code", "--report", str(tmp_path / "r.html")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["bins"] == MONTHS and told["trends"][0]["text"] == WORDS[DOG] and told["trends"][0]["rates"] == list(found.trends[0].rates)
    page = (tmp_path / "r.html").read_text()
    assert "first seen in 2026-04" in page and page.count("<polygon") == len(found.trends)
    assert main(command) == 0 and f"more {WORDS[DOG]} from 2026-04" in " ".join(capsys.readouterr().out.split())
    assert f"| {WORDS[DOG]} | 0% | 0% | 0% | 25% |" in latentdiff.write_report(found, tmp_path / "r.md").read_text()
    assert all(is_report(latentdiff.write_report(found, tmp_path / f"own.{s}")) for s in ("html", "md", "csv", "json"))
    (tmp_path / "other.csv").write_text("text,source\na,b\n")
    assert not is_report(tmp_path / "other.csv")
    assert latentdiff.write_report(found, tmp_path / "r.csv").read_text().splitlines()[1].startswith(f"{WORDS[DOG]},")
    assert main([*command, "--embeddings", "clip"]) == 2


def test_the_course_of_findings_over_groups_that_are_bins(given) -> None:
    x, dates = stream()
    found = latentdiff.compare_groups(x, binned(dates, "month"), **given)
    course = course_of(found)
    (dog,) = [t for t in course.trends if t.text == WORDS[DOG]]
    at = found.rate_texts.index(WORDS[DOG])
    assert course.bins == found.names and dog.rates == pytest.approx(found.rates[at])
    totals = np.array([len(found.rows(name)) for name in found.names])
    assert list(course.images) == totals.tolist()
    counts = np.array([len(found.rows_showing(WORDS[DOG], name)) for name in found.names])
    by_hand = []
    for cut in range(1, len(totals)):
        table = [[counts[part].sum(), (totals - counts)[part].sum()] for part in (slice(None, cut), slice(cut, None))]
        by_hand.append(stats.fisher_exact(table).pvalue)
    assert dog.p_value == pytest.approx(min(1.0, min(by_hand) * len(by_hand)), rel=1e-6)
    assert dog.changes[0].bin == 1 + int(np.argmin(by_hand))


def test_a_rejected_word_comes_last_and_its_test_stays(found, given) -> None:
    config = latentdiff.CompareConfig(rejected=(WORDS[DOG].upper(),))
    sunk = latentdiff.compare_over_time(*stream(), bins="month", **given, config=config)
    place = [t.text for t in sunk.trends].index(WORDS[DOG])
    assert all(t.q_value >= found.trends[0].q_value for t in sunk.trends) and place == len(sunk.trends) - 1 and len(sunk.trends) > 1
    assert sunk.trends[place] == found.trends[0]
