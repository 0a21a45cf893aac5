"""Whatever a language model answers: bounded lists of short printable phrases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdiff.describe.parsing import LONGEST_PHRASE, parse_number, parse_phrases


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"phrases": []}', []),
        ("[]", []),
        ('{"phrases": ["red bus", "dogs", "unfini', ["red bus", "dogs"]),
        ('```\n["red bus"]\n```', ["red bus"]),
        ('{"a": {"b": ["red bus"]}, "n": 3}', ["red bus"]),
        ('["Red bus", "red bus", "dogs"]', ["Red bus", "dogs"]),
        ("Here are the differences:\n\n1. red bus\n2. dogs\n\nHope this helps!", ["red bus", "dogs"]),
        ("(a) red bus\n(b) dogs", ["red bus", "dogs"]),
        ("red bus\ndogs\nbeach", ["red bus", "dogs", "beach"]),
        ("Set A contains images of dogs. It also includes boats.", ["dogs", "boats"]),
        ("The images show more dogs than the second set.", ["dogs"]),
        ("I cannot help with that request.", []),
        ("As an AI model, I see no images.", []),
        ("<html><body>no</body></html>", []),
        ("", []),
    ],
)
def test_answers(answer, wanted) -> None:
    assert parse_phrases(answer, 10) == wanted


def test_count_and_length_are_limited() -> None:
    assert parse_phrases("\n".join(f"- dog {i}" for i in range(50)), 7) == [f"dog {i}" for i in range(7)]
    assert parse_phrases('["' + "x" * (LONGEST_PHRASE + 1) + '", "ok"]', 5) == ["ok"]


@pytest.mark.parametrize("piece", ["[", "{", "set ", "- ", '"\\', "```", "<think>", "and ", "a\n"])
def test_pathological_answers_end(piece) -> None:
    assert all(len(p) <= LONGEST_PHRASE for p in parse_phrases(piece * 50_000, 10))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_gives_short_printable_phrases(answer) -> None:
    found = parse_phrases(answer, 5)
    assert len(found) <= 5 and all(p and p.isprintable() and len(p) <= LONGEST_PHRASE for p in found)


def test_numbers() -> None:
    assert parse_number("<think>2</think> Score: 1") == 1 and parse_number("-0.5") == -0.5 and parse_number("none") is None
