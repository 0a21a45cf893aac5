"""What is shipped: the encoder and the SAE reach their scores on scenes they never saw, and name what was planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff import demo
from latentdiff.demo.evaluate import held_out, zero_shot_scores
from latentdiff.embed.encoder import load_encoder


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("demo")


@pytest.fixture(scope="module")
def unseen(encoder):
    images, scenes = held_out(700)
    encoded = encoder.encode_images(images, workers=1)
    assert not encoded.failures
    return encoded.vectors, scenes


def test_objects_and_settings_are_found_by_name(encoder, unseen):
    scores = zero_shot_scores(*unseen, encoder.encode_texts)
    assert scores["object_auroc"] >= 0.95 and scores["object_auroc_words"] >= 0.95
    assert scores["setting_accuracy"] >= 0.95 and scores["setting_accuracy_phrases"] >= 0.95


def test_the_sae_explains_the_vectors(unseen):
    vectors, _ = unseen
    sae = demo.load_sae()
    rebuilt = sae.encode(vectors).toarray() @ sae.w_dec + sae.b_dec
    left = np.sum((vectors - rebuilt) ** 2) / np.sum((vectors - vectors.mean(0)) ** 2)
    assert 1 - left >= 0.8


def test_the_package_stays_small():
    folders = (demo.ENCODER_FOLDER, demo.SAE_FOLDER)
    assert sum(f.stat().st_size for folder in folders for f in Path(folder).rglob("*")) <= 12e6


@pytest.mark.parametrize("pair", [demo.planted_object_pair(500, 21, kind="kite"), demo.setting_shift_pair(500, 22, setting="snow")])
def test_a_comparison_names_what_was_planted_first(encoder, pair):
    a, b = (encoder.encode_images([image for image, _ in pair.draw(side)], workers=1).vectors for side in "AB")
    vocabulary = latentdiff.Vocabulary(demo.words(), encoder.encode_texts(demo.words()))
    comparison = latentdiff.compare(a, b, sae=demo.load_sae(), vocabulary=vocabulary)
    assert comparison.differs
    assert comparison.top("A", 1)[0].text == pair.truth
