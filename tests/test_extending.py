"""The page on adding a format, a method, a statistic and an action: its code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff.errors import InputError
from latentdiff.methods.register import METHODS, Method, register_method
from latentdiff.sae.formats.known import FORMATS, Format, register_format
from tests.planted import DOG, WIDTH, WORDS, vectors

EYE, ZEROS = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)


@pytest.fixture
def blocks(root: Path) -> dict[str, str]:
    """Code by heading."""
    parts = re.split(r"^## (.*)$", (root / "docs" / "extending.md").read_text(encoding="utf8"), flags=re.MULTILINE)
    code = [re.findall(r"```python\n(.*?)```", text, re.DOTALL) for text in parts[2::2]]
    return {title: "\n".join(found) for title, found in zip(parts[1::2], code, strict=True)}


@pytest.fixture(autouse=True)
def registers():
    """As they were, afterwards."""
    formats, methods = list(FORMATS), dict(METHODS)
    yield
    FORMATS[:] = formats
    METHODS.clear()
    METHODS.update(methods)


def test_a_format(blocks: dict[str, str], tmp_path: Path, monkeypatch: Any) -> None:
    from safetensors.numpy import save_file

    monkeypatch.chdir(tmp_path)
    tensors = {"down": 2 * EYE, "up": EYE, "shift": ZEROS, "centre": ZEROS + 0.5, "gate": np.array([0.25], np.float32)}
    save_file(tensors, "weights.safetensors")
    said: dict[str, Any] = {}
    exec(blocks["A format of sparse autoencoders"], said)
    np.testing.assert_array_equal(said["sae"].encode(EYE[:1] + 0.5).toarray(), 2 * EYE[:1])
    with pytest.raises(InputError, match="there is a format 'mine' already"):
        register_format(Format("mine", lambda found: True, lambda checkpoint: {}))


def test_a_method(blocks: dict[str, str]) -> None:
    from latentdiff.benchmark.methods import chosen
    from latentdiff.cli.main import main
    from latentdiff.report.finding import legend

    words = latentdiff.Vocabulary(WORDS, EYE)
    said: dict[str, Any] = {"a": vectors(60, 2 / 3, seed=1), "b": vectors(80, 1 / 20, seed=2), "vocabulary": words}
    exec(blocks["A method"], said)
    found = said["found"]
    assert found.hypotheses[0].text == WORDS[DOG] and legend(found, "loudest")[1].startswith("A word whose")
    assert [m.title for m in chosen(("loudest",), ())] == ["Words whose scores differ most"]
    assert main(["compare", "no.npy", "no.npy", "--method", "loudest"]) == 2  # the files are missing, the method is known
    with pytest.raises(InputError, match="there is a method 'loudest' already"):
        register_method(said["register_method"] and METHODS["loudest"])
    with pytest.raises(InputError, match="not 'magic'"):
        register_method(Method("other", "t", ("n", "m"), said["loudest"], takes=("magic",)))


def test_old_names_of_methods_warn() -> None:
    from latentdiff.benchmark.methods import chosen

    with pytest.warns(DeprecationWarning, match="'ours' is deprecated.*use 'latentdiff'"):
        assert [m.name for m in chosen(("ours",), ())] == ["latentdiff"]


def test_a_statistic(blocks: dict[str, str]) -> None:
    sae = latentdiff.SparseAutoencoder(EYE, ZEROS, EYE, ZEROS, np.full(WIDTH, 0.5, np.float32))
    sides = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
    comparison = latentdiff.compare(*sides, sae=sae, vocabulary=latentdiff.Vocabulary(WORDS, EYE))
    exec(blocks["A statistic of every concept"], {"comparison": comparison, "__name__": "latentdiff.results.hypothesis"})


def test_an_action(blocks: dict[str, str]) -> None:
    said: dict[str, Any] = {}
    exec(blocks["An action of the panel"], said)
    panel, told = said["WithCount"](), []
    run = SimpleNamespace(ids=lambda hypothesis, side: ["x"] * 1234)
    panel._found = lambda ctx: (run, SimpleNamespace(side="A"))
    panel.count(SimpleNamespace(ops=SimpleNamespace(notify=lambda text, variant: told.append((text, variant)))))
    assert told == [("1,234 images show it", "info")]
