"""What cannot be compared is refused with a LatentDiffError that says what, which value, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentdiff import CheckpointError, CompareConfig, InputError, LatentDiffError, SparseAutoencoder, Vocabulary, compare
from latentdiff.errors import sentence

WIDTH = 8


def rows(n: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)


def sae(width: int = WIDTH) -> SparseAutoencoder:
    return SparseAutoencoder(np.eye(width), np.zeros(width), np.eye(width), np.zeros(width), np.full(width, 0.3))


A, B = rows(25), rows(33, 1)


def refused(a: Any, b: Any, message: str, **options: Any) -> None:
    with pytest.raises(InputError, match=message) as caught:
        compare(a, b, **{"sae": sae(), **options})
    assert isinstance(caught.value, LatentDiffError)
    assert isinstance(caught.value, ValueError)


def with_values(x: np.ndarray, at: list[int], value: float) -> np.ndarray:
    out = x.copy()
    out[at, 3] = value
    return out


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ("name the folder", "Name the folder."),
        ("what is this?", "What is this?"),
        ("coast.zip is a zip file", "coast.zip is a zip file."),  # no file is called Coast.zip
        ("my_field holds no vectors", "my_field holds no vectors."),
        ("'a' exists already", "'a' exists already."),
    ],
)
def test_errors_are_read_as_sentences(message, read) -> None:
    assert sentence(InputError(message)) == read


@pytest.mark.parametrize("n", [0, 1, 19])
def test_too_few_images(n: int) -> None:
    images = "image" if n == 1 else "images"
    refused(rows(n), B, f"A has {n} usable {images}; at least 20 a side")
    refused(A, rows(n), f"B has {n} usable {images}; at least 20 a side")


def test_twenty_a_side_are_enough() -> None:
    assert compare(rows(20), rows(21, 1), sae=sae()).info["n_a"] == 20


def test_text_for_a_side() -> None:
    refused("dataset:summer", B, "A is the text 'dataset:summer'.*compare_views")
    refused(A, b"winter", "B is the text b'winter'")


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (np.zeros(25, np.float32), r"\(n, d\) array of numbers, got shape \(25,\)"),
        (np.zeros((25, 2, 4), np.float32), r"got shape \(25, 2, 4\)"),
        (A.astype(np.complex64), "of complex64"),
        (A.astype(object), "of object"),
        (A > 0, "of bool"),
        (A.astype(str), "of <U"),
        (np.float32(3), r"got shape \(\)"),
        (None, r"got shape \(\) of object"),
        (np.zeros((25, 0), np.float32), "width 0"),
        ([[1.0, 2.0], [3.0]], "rows differ in length"),
    ],
)
def test_sides_that_are_no_table_of_numbers(side: Any, message: str) -> None:
    refused(side, B, message)


def test_widths_that_disagree() -> None:
    refused(A, rows(33, 1, 9), "A has vectors of width 8, B of 9; use one encoder")
    refused(A, B, "SAE takes vectors of width 9, the images have 8", sae=sae(9))
    words = Vocabulary(["dog", "cat"], rows(2, 2, 9))
    refused(A, B, "vocabulary has vectors of width 9, the images of 8", vocabulary=words)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_by_row(value: float) -> None:
    refused(with_values(A, [3, 20], value), B, r"\(A: rows 3, 20\).*skip_bad=True")
    refused(with_values(A, [3], value), with_values(B, [0], value), "A: rows 3; B: rows 0")


def test_many_bad_rows_are_counted_not_listed() -> None:
    refused(A, with_values(B, list(range(7)), np.nan), r"B: rows 0, 1, 2, 3, 4, \.\.\. \(7 in all\)")


def test_vectors_of_zeros_stand_for_images_that_failed() -> None:
    a = A.copy()
    a[[2, 7]] = 0
    refused(a, B, r"nothing but zeros \(A: rows 2, 7\)")


def test_a_float64_value_too_large_for_float32_is_not_finite() -> None:
    refused(with_values(A.astype(np.float64), [5], 1e300), B, "A: rows 5")


def test_skipping_bad_rows_may_leave_too_few() -> None:
    refused(with_values(A, [0, 1, 2, 3, 4, 5], np.nan), B, "A has 19 usable images", config=CompareConfig(skip_bad=True))


def test_all_vectors_equal() -> None:
    refused(np.ones((25, WIDTH)), np.ones((33, WIDTH)), "all vectors are equal")


def test_equal_within_a_side_is_a_difference_not_an_error() -> None:
    result = compare(np.ones((25, WIDTH)), -np.ones((33, WIDTH)), sae=sae())
    assert result.differs
    assert (result.hypotheses[0].side, result.hypotheses[0].rate_a, result.hypotheses[0].rate_b) == ("A", 1.0, 0.0)


def test_the_same_vectors_twice_do_not_differ() -> None:
    result = compare(A, np.concatenate([A, A[:9]]), sae=sae())
    assert not result.differs
    assert result.hypotheses == ()


def test_an_sae_that_never_fires_leaves_no_candidates() -> None:
    silent = SparseAutoencoder(np.eye(WIDTH), np.zeros(WIDTH), np.eye(WIDTH), np.zeros(WIDTH), np.full(WIDTH, 1e6))
    result = compare(A, B, sae=silent)
    assert result.candidates == ()
    assert result.top("A") == ()
    assert result.shows_a.shape == (25, 0)
    named = compare(A, B, sae=silent, vocabulary=Vocabulary([f"word {i}" for i in range(12)], rows(12, 5)))
    assert {h.source for h in named.candidates} <= {"dre"}


def test_a_folder_without_an_sae(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds an SAE"):
        compare(A, B, sae=tmp_path / "missing")


@pytest.mark.parametrize(
    ("words", "vectors", "message"),
    [
        (["dog"], rows(1), "at least two words, got 1"),
        ([], rows(0), "at least two words, got 0"),
        (["dog", "cat"], rows(3), r"2 words need vectors of shape \(2, d\), got \(3, 8\)"),
        (["dog", "cat"], np.ones(2), r"got \(2,\)"),
        (["dog", " "], rows(2), "word 1 of the vocabulary is empty"),
        (["dog", "dog", "dog"], rows(3), "at least two words, got 1"),
        (["dog", "cat"], with_values(rows(2), [1], np.nan), "vector of 'cat' is zero or not finite"),
        (["dog", "cat"], rows(2) * [[0], [1]], "vector of 'dog' is zero"),
    ],
)
def test_vocabularies_that_cannot_name_anything(words: list[str], vectors: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Vocabulary(words, vectors)


def test_more_active_concepts_than_the_dictionary_has() -> None:
    config = CompareConfig(sae_concepts=5, sae_active=6)
    refused(A, B, r"active must be between 1 and the number of concepts \(5\), not 6", sae=None, config=config)
