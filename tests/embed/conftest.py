"""Tiny models, made once per session, and a cache folder of the tests' own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_spec = importlib.util.spec_from_file_location("embed_models", Path(__file__).with_name("models.py"))
models = importlib.util.module_from_spec(_spec)
sys.modules["embed_models"] = models
_spec.loader.exec_module(models)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LATENTDIFF_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def open_clip_folder(tmp_path_factory) -> Path:
    return models.save_open_clip(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def encoder(open_clip_folder):
    from latentdiff.embed.encoder import load_encoder

    return load_encoder(open_clip_folder, device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> list[Path]:
    """40 JPEGs of different shapes and sizes."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    out = []
    for i in range(40):
        width, height = (int(v) for v in rng.integers(70, 520, 2))
        out.append(folder / f"{i:03d}.jpg")
        models.draw_photo(rng, width, height).save(out[-1], quality=92)
    return out
