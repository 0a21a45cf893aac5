"""A scripted chat server, a cache folder of the tests' own, and no keys but the tests'."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

_spec = importlib.util.spec_from_file_location("describe_chat_server", Path(__file__).with_name("chat_server.py"))
assert _spec is not None and _spec.loader is not None
chat_server: ModuleType = importlib.util.module_from_spec(_spec)
sys.modules["describe_chat_server"] = chat_server
_spec.loader.exec_module(chat_server)


@pytest.fixture
def server() -> Iterator:
    """A :class:`ChatServer`; set its ``script``."""
    running = chat_server.ChatServer()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def private(tmp_path_factory, monkeypatch) -> Path:
    """A cache folder of this test's own, and no server's key in the environment."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LATENTDIFF_CACHE", str(folder))
    for name in ("LATENTDIFF_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder
