"""The shipped list, phrases, and text vectors that are computed once."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff.embed.words import list_digest, load_vocabulary, load_words, read_phrases
from latentdiff.errors import InputError

STOP = {"the", "and", "with", "have", "this", "would", "very", "because", "yourself", "also"}
NAMES = {"john", "michael", "elizabeth", "london", "paris", "america", "january", "monday", "google", "christian"}
SEEN = {"dog", "beach", "snow", "boat", "kitchen", "red", "wooden", "running", "sunset", "child", "traffic light", "dining table", "tv"}


def test_the_list_holds_what_can_be_seen_and_no_names():
    words = load_words()
    assert 19_000 <= len(words) <= 21_000
    assert list(words) == sorted(set(words))
    assert all(w == w.strip().lower() and w for w in words)
    assert set(words) >= SEEN
    assert not set(words) & (STOP | (NAMES - {"christian"}))


class Counting:
    """A real encoder that counts the texts it is asked for."""

    def __init__(self, encoder) -> None:
        self._encoder, self.count = encoder, 0
        self.fingerprint, self.width = encoder.fingerprint, encoder.width

    def encode_texts(self, texts, **options):
        self.count += len(texts)
        return self._encoder.encode_texts(texts, **options)


def test_vectors_are_computed_once_per_encoder_and_list(encoder, cache, tmp_path):
    counting = Counting(encoder)
    words = ["dog", "red boat", "beach"]
    first = load_vocabulary(counting, words=words)
    np.testing.assert_allclose(first.vectors, encoder.encode_texts(words), atol=1e-6)
    assert counting.count == 3
    np.testing.assert_array_equal(load_vocabulary(counting, words=words).vectors, first.vectors)
    assert counting.count == 3
    more = load_vocabulary(counting, words=words, phrases=["a cat", "dog", "a cat"])  # known and repeated ones once
    assert more.words == ("dog", "red boat", "beach", "a cat")
    assert counting.count == 4
    np.testing.assert_allclose(more.vectors[3], encoder.encode_texts(["a cat"])[0], atol=1e-6)
    load_vocabulary(counting, words=words, template="a photo of a {}")
    load_vocabulary(counting, words=words[::-1])
    assert counting.count == 10
    counting.fingerprint = encoder.fingerprint | {"weights": "other"}
    load_vocabulary(counting, words=words)
    assert counting.count == 13


def test_a_damaged_cache_is_computed_again(encoder, cache):
    counting = Counting(encoder)
    first = load_vocabulary(counting, words=["dog", "cat"])
    (file,) = (cache / "texts").glob("*.npy")
    file.write_bytes(file.read_bytes()[:-5])
    np.testing.assert_array_equal(load_vocabulary(counting, words=["dog", "cat"]).vectors, first.vectors)
    assert counting.count == 4
    data = bytearray(file.read_bytes())
    data[-40] ^= 1  # a number is another, and finite
    file.write_bytes(data)
    np.testing.assert_array_equal(load_vocabulary(counting, words=["dog", "cat"]).vectors, first.vectors)
    assert counting.count == 6


def test_a_cache_that_cannot_be_written_does_no_harm(encoder, cache, monkeypatch):
    (cache / "file").write_text("in the way")
    monkeypatch.setenv("LATENTDIFF_CACHE", str(cache / "file"))
    assert len(load_vocabulary(encoder, words=["dog", "cat"])) == 2


def test_phrases_from_a_file(encoder, tmp_path):
    file = tmp_path / "phrases.txt"
    file.write_bytes("\ufeff# ours\n\n  polar   bear \nnight market\npolar bear\ncafé\n".encode())
    assert read_phrases(file) == ("polar bear", "night market", "café")
    assert load_vocabulary(encoder, words=(), phrases=file).words == ("polar bear", "night market", "café")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_phrases(file)
    file.write_text("# nothing\n")
    with pytest.raises(InputError, match="holds no phrase"):
        read_phrases(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_phrases(tmp_path / "none.txt")
    with pytest.raises(InputError, match="template"):
        load_vocabulary(encoder, words=["a", "b"], template="word")
    with pytest.raises(InputError, match="at least two words"):
        load_vocabulary(encoder, words=())


def test_digest_follows_words_order_and_template():
    digests = {list_digest(["a", "b"]), list_digest(["b", "a"]), list_digest(["a", "b"], "the {}"), list_digest(["ab"])}
    assert len(digests) == 4
