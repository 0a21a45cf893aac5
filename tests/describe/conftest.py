"""A scripted chat server, a cache folder of the tests' own, and no keys but the tests'."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.describe.proxy import Proxy


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"describe_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"describe_{name}"] = module
    spec.loader.exec_module(module)
    return module


chat_server = _load("chat_server")
_load("captioners")


@pytest.fixture
def server() -> Iterator:
    """A :class:`ChatServer`; set its ``script``."""
    running = chat_server.ChatServer()
    yield running
    running.close()


@pytest.fixture
def proxy(monkeypatch) -> Iterator[Proxy]:
    """One that the environment names for everything."""
    running = Proxy()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://me:word@{running.address}")
    yield running
    running.close()


@pytest.fixture(autouse=True)
def private(tmp_path_factory, monkeypatch) -> Path:
    """A cache folder of this test's own, and no server's key in the environment."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LATENTDIFF_CACHE", str(folder))
    for name in ("LATENTDIFF_API_KEY", "LATENTDIFF_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> list[Path]:
    """Six PNG files of coloured noise."""
    from PIL import Image

    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    out = []
    for i in range(6):
        out.append(folder / f"secret name {i}.png")
        Image.fromarray((rng.integers(0, 256, (40, 50 + i, 3)) * rng.random(3)).astype(np.uint8)).save(out[-1])
    return out
