"""Words of files and of SigLIP against the libraries that trained with them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from latentdiff.embed.word_lists import canonical, cleaned, look_alikes
from latentdiff.embed.words import read_phrases

TEXTS = ("A  Photo of_a DOG!", "hot-dog, (grilled).", "traffic light", " ÉCOLE ", "what's up?", "a\tb\nc")


@pytest.mark.parametrize("text", TEXTS)
def test_siglip_words_are_those_of_open_clip(text: str) -> None:
    from open_clip.tokenizer import canonicalize_text

    assert canonical(text) == canonicalize_text(text)
    assert canonical(canonical(text)) == canonical(text)


def test_transformers_siglip_tokens_are_canonical() -> None:
    from types import SimpleNamespace

    from latentdiff.embed.transformers_backend import TransformersBackend

    asked: list[list[str]] = []

    def tokenizer(texts: list[str], **options: object) -> dict[str, object]:
        asked.append(texts)
        assert options["padding"] == ("max_length" if len(asked) == 1 else "longest")
        return {"input_ids": texts}

    backend = TransformersBackend.__new__(TransformersBackend)
    backend.model = SimpleNamespace(config=SimpleNamespace(text_config=SimpleNamespace(max_position_embeddings=64)))
    backend._tokenizer = tokenizer
    for backend._siglip in (True, False):
        backend.tokens(["A Dog!"])
    assert asked == [["a dog"], ["A Dog!"]]


def test_words_of_files_have_one_spelling(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    (tmp_path / "words.txt").write_text(f"café\n{decomposed}\nbus\u200b stop\nbus  stop\nsoft\u00adball\n", encoding="utf8")
    assert read_phrases(tmp_path / "words.txt") == ("café", "bus stop", "softball")
    assert cleaned("\ufeffa\u200db") == "ab"


def test_look_alikes() -> None:
    assert look_alikes(["cat", "dog", "Cat"]) == []
    assert look_alikes(["с\u0430t", "cat", "ｄｏｇ", "dog", "ﬁsh", "fish", "école", "ecole"]) == [
        ("cat", "с\u0430t"),
        ("dog", "ｄｏｇ"),
        ("fish", "ﬁsh"),
    ]
