"""The operator's form: what is asked, what it says will be sent, and a key that is nowhere but on the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from describe_chat_server import says, status
from fiftyone.operators.executor import ExecutionError

import latentdiff
from tests.planted import WIDTH, vectors
from tests.plugin.calls import execute, form

KEY = "sk-very-secret-0123456789"
WORDS = [f"thing{chr(97 + i)}" for i in range(WIDTH)]
SIDES = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "seasons"}


@pytest.fixture
def dataset() -> Iterator[Any]:
    import fiftyone as fo

    dataset = fo.Dataset(f"describe-form-{uuid.uuid4().hex[:8]}")
    for side, n, share, seed in (("summer", 60, 2 / 3, 1), ("winter", 80, 1 / 20, 2)):
        for i, row in enumerate(vectors(n, share, seed=seed)):
            said = " and ".join(WORDS[j] for j in np.flatnonzero(row > 0.5))
            dataset.add_sample(fo.Sample(filepath=f"/nowhere/{side}{i}.jpg", tags=[side], clip=row, said=said))
        dataset.save_view(side, dataset.match_tags(side))
    yield dataset
    fo.delete_dataset(dataset.name)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    eye = np.eye(WIDTH, dtype=np.float32)
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=eye)
    latentdiff.SparseAutoencoder(eye, np.zeros(WIDTH), eye, np.zeros(WIDTH), np.full(WIDTH, 0.5, np.float32)).save(tmp_path / "sae")
    return {"vocabulary": str(tmp_path / "words.npz"), "sae": str(tmp_path / "sae")}


def test_the_form_says_what_will_be_sent(dataset, server) -> None:
    assert "captions" not in form("compare_views", dataset, **SIDES)
    fields = form("compare_views", dataset, **SIDES, describe="field", captions="said")
    assert [c["value"] for c in fields["captions"]["view"]["choices"]] == ["said"]
    assert fields["sent"]["view"]["label"] == "Nothing leaves this machine."
    assert form("compare_views", dataset, **SIDES, describe="words")["sent"]["view"]["label"] == "Nothing leaves this machine."
    fields = form("compare_views", dataset, **SIDES, describe="model", ask_model=True)
    assert fields["captioner"]["required"] and "sent" not in fields
    server_ = {"llm_url": server.url, "llm_model": "m"}
    fields = form("compare_views", dataset, **SIDES, describe="field", captions="said", ask_model=True, **server_)
    assert fields["sent"]["view"]["label"] == f"Will be sent: the captions of about 40 images to {server.url} (m)"
    fields = form("compare_views", dataset, **SIDES, describe="server", **server_)
    assert "about 80 images to" in fields["sent"]["view"]["label"]
    bad = form("compare_views", dataset, **SIDES, describe="server", llm_url=f"http://me:{KEY}@host/v1", llm_model="m")
    assert bad["llm_url"]["invalid"] and KEY not in bad["llm_url"]["error_message"]
    assert server.requests == []


def test_the_form_names_a_proxy_that_cannot_be_used(dataset, monkeypatch) -> None:
    monkeypatch.setenv("LATENTDIFF_SERVERS", "https://models.example/v1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:notaport")
    monkeypatch.delenv("https_proxy", raising=False)
    fields = form("compare_views", dataset, **SIDES, describe="server", llm_url="https://models.example/v1", llm_model="m")
    assert "NO_PROXY" in fields["llm_url"]["error_message"] and "sent" not in fields


def test_the_operator_describes_and_keeps_the_key_to_itself(dataset, files, server, monkeypatch) -> None:
    monkeypatch.setenv("LATENTDIFF_API_KEY", KEY)  # FiftyOne's secrets are its server's environment
    monkeypatch.setenv("LATENTDIFF_BASE_URL", server.url)
    server.script = [says(f'["{WORDS[3]}"]')]
    params = {"describe": "field", "captions": "said", "ask_model": True, "llm_url": server.url, "llm_model": "m"}
    execute("compare_views", dataset, **SIDES, **files, **params)
    dataset.reload()
    from fiftyone_plugin import load_comparison

    told = load_comparison(dataset, "seasons").comparison.info["describe"]
    assert WORDS[3] in told["phrases"]["A"] and "error" not in told
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    stored = [json.dumps(dataset.get_run_info("seasons").serialize(), default=str)]
    stored += [json.dumps(dataset.load_run_results("seasons").serialize(), default=str), json.dumps(told)]
    assert not [s for s in stored if KEY in s]


def test_words_and_a_local_model_describe_too(dataset, files, server) -> None:
    """By the nearest words, with a language model; a folder that holds no captioner is refused before any work."""
    from fiftyone_plugin.panels.app.cards import board

    from fiftyone_plugin import load_comparison

    server.script = [says(f'["{WORDS[3]}"]')]
    words = {"describe": "words", "ask_model": True, "llm_url": server.url, "llm_model": "m"}
    execute("compare_views", dataset, **SIDES, **files, **words)
    dataset.reload()
    run = load_comparison(dataset, "seasons")
    assert run.comparison.info["describe"]["captioner"] == "vocabulary" and len(server.requests) == 2
    assert f"sent to {server.url}: 2 requests, 0 images, 154 tokens" in board(run)["notes"]
    with pytest.raises((ExecutionError, latentdiff.LatentDiffError), match="does not hold a whole image-to-text model"):
        execute("compare_views", dataset, **SIDES | {"run": "other"}, **files, describe="model", captioner=str(Path(files["sae"])))
    with pytest.raises((ExecutionError, latentdiff.LatentDiffError), match="captioner"):
        execute("compare_views", dataset, **SIDES | {"run": "other"}, **files, describe="model")
    assert dataset.list_runs() == ["seasons"]


@pytest.mark.parametrize(("address", "key"), [("https://api.openai.com/v1", KEY), ("http://127.0.0.1:9/v1", "")])
def test_openais_secret_goes_to_openai_alone(monkeypatch, address, key) -> None:
    from fiftyone_plugin.forms.describe import description_of

    class Context:
        params = {"describe": "server", "llm_url": address, "llm_model": "m"}  # noqa: RUF012

        @staticmethod
        def secret(name: str) -> str | None:
            return KEY if name == "OPENAI_API_KEY" else None

    assert description_of(Context)["key"] == key


def test_a_failing_server_is_said_under_the_verdict(dataset, files, server) -> None:
    from fiftyone_plugin.panels.app.cards import board

    from fiftyone_plugin import load_comparison

    server.script = [status(401, "bad key")]
    params = {"describe": "field", "captions": "said", "ask_model": True, "llm_url": server.url, "llm_model": "m"}
    execute("compare_views", dataset, **SIDES, **files, **params)
    dataset.reload()
    notes = board(load_comparison(dataset, "seasons"))["notes"]
    (why,) = (note for note in notes if note.startswith("describing the most telling images ended early: m at"))
    assert "HTTP 401" in why
    assert any(note.startswith(f"sent to {server.url}: 1 request (1 failed)") for note in notes)


def test_captions_without_a_field_are_refused(dataset, files) -> None:
    with pytest.raises((ExecutionError, latentdiff.LatentDiffError), match="captions"):
        execute("compare_views", dataset, **SIDES, **files, describe="field")
    assert not dataset.list_runs()
