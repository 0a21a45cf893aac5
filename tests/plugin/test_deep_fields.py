"""A vector field holds deep pictures drawn with one range, which is recorded, and by which its encoder is known again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fiftyone_plugin import compare_views, compute_embeddings, declare_embeddings
from fiftyone_plugin.encoders import KEY, recorded
from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.ranges import Ranges, Span
from latentdiff.errors import InputError
from latentdiff.report.content import content

TWELVE, EIGHT = Ranges(Span(0, 4095)), Ranges(Span(0, 255))


@pytest.fixture(scope="module")
def encoder() -> Any:
    return load_encoder("demo", dtype="float32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Sixty pictures of 12 bits, of which the 50th has a bright part."""
    folder, rng = tmp_path_factory.mktemp("deep"), np.random.default_rng(0)
    for i in range(60):
        grey = np.kron(rng.integers(0, 4095, (8, 8)), np.ones((8, 8))).astype(np.uint16)
        if i == 50:
            grey[:30] = 60000
        Image.fromarray(grey).save(folder / f"{i:02}.tif")
    return sorted(map(str, folder.glob("*.tif")))


@pytest.fixture
def dataset(files: list[str]) -> Iterator[Any]:
    import fiftyone as fo

    made = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
    made.add_samples([fo.Sample(filepath=path) for path in files], progress=False)
    yield made
    fo.delete_dataset(made.name)


@pytest.fixture(scope="module")
def expected(files: list[str], encoder: Any) -> dict[Ranges, np.ndarray]:
    return {ranges: encoder.encode_images(files, ranges=ranges).vectors for ranges in (TWELVE, EIGHT)}


def forget(dataset: Any) -> None:
    """Make the record one of an earlier version, which knew of no ranges."""
    entries = [{name: value for name, value in entry.items() if name != "deep"} for entry in dataset.info[KEY]]
    dataset.info[KEY] = entries
    dataset.save()


def close(x: Any, y: np.ndarray) -> None:
    np.testing.assert_allclose(np.stack(x), y, rtol=0, atol=1e-4 * np.linalg.norm(y, axis=1).max())


def test_a_field_that_is_topped_up_has_one_range(dataset, encoder, expected) -> None:
    compute_embeddings(dataset, encoder, "whole")
    compute_embeddings(dataset[48:52], encoder, "topped")
    compute_embeddings(dataset, encoder, "topped")
    for field in ("whole", "topped"):
        close(dataset.values(field), expected[TWELVE])
        assert recorded(dataset, field).ranges == TWELVE


def test_a_copied_field_is_known_as_its_encoders(dataset, encoder) -> None:
    compute_embeddings(dataset, encoder, "whole")
    dataset.clone_sample_field("whole", "copy")
    forget(dataset)
    declare_embeddings(dataset, "copy", encoder)
    assert recorded(dataset, "copy").ranges == TWELVE


def test_each_range_is_tried_before_an_encoder_is_refused(dataset, encoder, expected) -> None:
    dataset.set_values("clipped", list(expected[EIGHT]))
    dataset.set_values("noise", list(np.random.default_rng(0).standard_normal(expected[EIGHT].shape)))
    declare_embeddings(dataset, "clipped", encoder)
    assert recorded(dataset, "clipped").ranges == EIGHT
    with pytest.raises(InputError, match="not made by this encoder: cosine"):
        declare_embeddings(dataset, "noise", encoder)


def test_a_field_of_an_earlier_version_is_topped_up_with_the_range_of_its_vectors(dataset, encoder, expected) -> None:
    compute_embeddings(dataset[:1], encoder, "old")
    dataset.set_values("old", [*expected[EIGHT][:40], *[None] * 20])
    forget(dataset)
    assert recorded(dataset, "old").ranges == Ranges()
    assert compute_embeddings(dataset, encoder, "old").encoded == 20
    close(dataset.values("old"), expected[EIGHT])
    assert recorded(dataset, "old").ranges == EIGHT


def test_vectors_that_are_replaced_keep_the_fields_range(dataset, encoder, expected) -> None:
    dataset.set_values("clipped", list(expected[EIGHT]))
    declare_embeddings(dataset, "clipped", encoder)
    compute_embeddings(dataset[:10], encoder, "clipped", overwrite=True)
    close(dataset.values("clipped"), expected[EIGHT])


def test_comparisons_of_views_say_the_range(dataset, encoder) -> None:
    compute_embeddings(dataset, encoder, "clip")
    run = compare_views(dataset, dataset[:30], dataset[30:], embeddings="clip", run="deep")
    assert run.comparison.info["deep"] == {"whole": [0.0, 4095.0]}
    assert "in deep pictures 0 is black and 4,095 white" in content(run.comparison).notes


def test_a_clone_and_a_renamed_field_keep_their_own_range(dataset, encoder, files) -> None:
    import fiftyone as fo

    compute_embeddings(dataset[:3], encoder, "first")
    dataset.add_samples([fo.Sample(filepath=files[50]) for _ in range(40)], progress=False)  # now most are bright
    compute_embeddings(dataset[:3], encoder, "second")
    ranges = {name: recorded(dataset, name).ranges for name in ("first", "second")}
    assert ranges["first"] == TWELVE != ranges["second"]
    dataset.clone_sample_field("second", "copied")
    dataset.rename_sample_field("second", "renamed")
    assert recorded(dataset, "copied").ranges == recorded(dataset, "renamed").ranges == ranges["second"]
    assert recorded(dataset, "first").ranges == TWELVE
