"""What the answers of a form may reach: servers, files, clusters; and what is never replaced unasked."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fiftyone_plugin import allowed
from fiftyone_plugin.forms.training import chosen_training
from latentdiff.errors import InputError
from latentdiff.scale.engine import Engine
from tests.plugin.calls import form

FAR = "https://models.example/v1"


@pytest.fixture(autouse=True)
def nobody_named_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    named = (allowed.ROOTS, allowed.SERVERS, allowed.CLUSTERS)
    for name in ("LATENTDIFF_BASE_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "RAY_ADDRESS", *named):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The App's server is started for others too."""
    monkeypatch.setenv("FIFTYONE_SERVER", "1")
    monkeypatch.setattr(sys, "argv", ["main.py", "--port", "5151", "--address", "0.0.0.0"])


@pytest.fixture
def dataset() -> Iterator[Any]:
    import fiftyone as fo

    dataset = fo.Dataset(f"allowed-{uuid.uuid4().hex[:8]}")
    dataset.add_sample(fo.Sample(filepath="/nowhere/1.jpg"))
    yield dataset
    dataset.delete()


def test_who_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not allowed.shared()
    monkeypatch.setenv("FIFTYONE_SERVER", "1")
    alone = {"127.0.0.1": True, "localhost": True, "::1": True, "0.0.0.0": False, "10.0.0.4": False, "me.lan": False}
    for address, others in ((address, not mine) for address, mine in alone.items()):
        monkeypatch.setattr(sys, "argv", ["main.py", "--address", address])
        assert allowed.shared() is others, address


def test_servers_are_named_by_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed.server(None)
    allowed.server("http://localhost:8000/v1")
    for url in (FAR, "https://api.openai.com/v1", "http://10.0.0.1/v1"):
        with pytest.raises(InputError, match=r"no server that may be asked here.*LATENTDIFF_SERVERS"):
            allowed.server(url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine-123456")
    allowed.server("https://api.openai.com/v1")
    monkeypatch.setenv("LATENTDIFF_SERVERS", f"https://other.example/v1 {FAR}/")
    allowed.server(FAR)
    with pytest.raises(InputError):
        allowed.server("https://models.example/v2")
    monkeypatch.delenv("LATENTDIFF_SERVERS")
    monkeypatch.setenv("LATENTDIFF_BASE_URL", FAR)
    allowed.server(FAR)


def test_where_others_reach_the_app_nothing_is_allowed_that_was_not_named(elsewhere: Any, tmp_path: Path, monkeypatch: Any) -> None:
    local = "http://localhost:8000/v1"
    for check, named in ((allowed.server, local), (allowed.file, tmp_path), (allowed.place, tmp_path), (allowed.file, "a/b")):
        with pytest.raises(InputError):
            check(named)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine-123456")  # visitors would spend it
    for url in ("https://api.openai.com/v1", "https://other.openai.com:8443/x"):
        with pytest.raises(InputError, match="LATENTDIFF_SERVERS"):
            allowed.server(url)
    monkeypatch.setenv(allowed.SERVERS, "https://api.openai.com/v1")
    allowed.server("https://api.openai.com/v1")
    monkeypatch.setenv(allowed.ROOTS, str(tmp_path))
    assert allowed.file(tmp_path / "x") == str(tmp_path / "x") and allowed.place(tmp_path) == tmp_path
    with pytest.raises(InputError, match="LATENTDIFF_ROOTS"):
        allowed.file(tmp_path.parent)


def test_clusters_are_named_by_the_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for fine in (Engine(), Engine("ray"), Engine("ray", "auto"), Engine("ray", exchange=str(tmp_path))):
        allowed.engine(fine)
    for far in (Engine("ray", "ray://far:10001"), Engine("ray", exchange="s3://theirs/x"), Engine("ray", exchange="/etc")):
        with pytest.raises(InputError):
            allowed.engine(far)
    monkeypatch.setenv("LATENTDIFF_CLUSTERS", "ray://far:10001 s3://theirs")
    allowed.engine(Engine("ray", "ray://far:10001", "s3://theirs/x"))
    elsewhere = "s3://theirs/x?scheme=http&endpoint_override=models.example"  # the options of an address may lead to another server
    for far in (Engine("ray", exchange=place) for place in ("s3://theirs-too/x", "s3://theirs/../x", "s3://theirs/%2e%2e/x", elsewhere)):
        with pytest.raises(InputError):
            allowed.engine(far)
    monkeypatch.setenv("RAY_ADDRESS", "mine:6379")
    allowed.engine(Engine("ray", "mine:6379"))


def test_forms_say_so_and_operators_refuse(dataset: Any, tmp_path: Path) -> None:
    asked = {"view_a": "a", "view_b": "b", "embeddings": "clip", "run": "r", "describe": "server", "llm_url": FAR, "llm_model": "m"}
    assert "no server that may be asked" in form("compare_views", dataset, **asked)["llm_url"]["error_message"]
    fields = form("compare_views", dataset, words="file", vocabulary="/etc/hosts", concepts="own", sae="~/.ssh")
    assert "system" in fields["vocabulary"]["error_message"] and "hidden" in fields["sae"]["error_message"]
    assert "system" in form("export_report", dataset, folder="/etc")["folder"]["error_message"]
    assert "hidden" in form("train_sae", dataset, folder="~/.ssh")["folder"]["error_message"]
    assert "system" in form("compute_embeddings", dataset, encoder="other", model="/etc/hosts")["model"]["error_message"]
    with pytest.raises(InputError, match="system"):
        chosen_training({"folder": "/etc/sae"})


def test_requests_are_checked_before_anything_is_opened() -> None:
    """Whoever sends parameters without a form."""
    from fiftyone_plugin.forms.comparison import request_of

    asked = {"embeddings": "clip", "run": "r", "describe": "words", "ask_model": True, "llm_model": "m"}
    for params in (asked | {"llm_url": FAR}, {"vocabulary": "/etc/hosts"}, {"sae": "~/.ssh"}, {"engine": "ray", "address": "ray://far:1"}):
        with pytest.raises(InputError, match=r"server|system|hidden|cluster"):
            request_of(SimpleNamespace(params=params, dataset=None, secret=lambda name: None), ("A", "B"))


def test_what_is_not_ours_is_not_replaced(tmp_path: Path) -> None:
    for name, text in (("r.html", "<!doctype html><p>mine"), ("r.md", "# mine"), ("r.csv", "side,name\n"), ("r.json", "{}")):
        allowed.free_file(tmp_path / name)
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="is no report of LatentDiff"):
            allowed.free_file(tmp_path / name)
    (tmp_path / "link.md").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError):
        allowed.free_file(tmp_path / "link.md")
    allowed.free_folder(tmp_path / "new")
    with pytest.raises(InputError, match="not of LatentDiff"):
        allowed.free_folder(tmp_path)
    (tmp_path / "sae").mkdir()
    allowed.free_folder(tmp_path / "sae")
    (tmp_path / "sae" / "config.json").write_text('{"architectures": ["x"]}')
    with pytest.raises(InputError):
        allowed.free_folder(tmp_path / "sae")


def test_what_is_ours_is_replaced(tmp_path: Path) -> None:
    import numpy as np

    import latentdiff
    from tests.planted import WIDTH, WORDS, vectors

    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    found = latentdiff.compare(vectors(60, 2 / 3, 1), vectors(80, 0.05, 2), sae=sae, vocabulary=latentdiff.Vocabulary(WORDS, eye))
    for suffix in ("html", "md", "csv", "json"):
        allowed.free_file(latentdiff.write_report(found, tmp_path / f"r.{suffix}"))
    allowed.free_folder(sae.save(tmp_path / "sae"))
