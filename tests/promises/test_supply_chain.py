"""Weights bring no code, are known by their digest, and nothing is told to anybody; what we depend on is listed with its licence."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import latentdiff
from latentdiff.demo import SAE_FOLDER
from latentdiff.errors import CheckpointError, EncoderError, InputError, LatentDiffError
from latentdiff.sae.compatibility import check_encoder
from tests.promises.hostile_targets import _make_encoder
from tests.promises.mutations import PICKLE, RunsCode

PUBLISHED = ("latentdiff", "fiftyone_plugin", "operators", "panels")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which code that runs leaves its mark."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_mark_is_left_by_code_that_runs(elsewhere: Path) -> None:
    import pickle

    pickle.loads(PICKLE)
    assert (elsewhere / "CANARY").exists()


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "inside a state dict"])
@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "model.pt", "weights.npz", "weights.npy"])
def test_pickled_weights_of_open_clip_run_nothing(elsewhere: Path, faults: Any, name: str, wrapped: bool) -> None:
    import numpy as np
    import torch

    folder = elsewhere / "model"
    folder.mkdir()
    _make_encoder(folder)
    weights = folder / name
    # Large enough for the architecture, so that the refusal is that of the reader.
    content: Any = {"visual.conv1.weight": torch.zeros(500_000), "x": RunsCode()} if wrapped else [torch.zeros(500_000), RunsCode()]
    if name.startswith("weights"):
        array = np.empty(2, object)
        array[:] = [content, np.zeros(500_000)]
        (np.savez if name.endswith("z") else np.save)(weights, array)
    else:
        torch.save(content, weights)
    (folder / "model.safetensors").rename(elsewhere / "aside")
    with pytest.raises(CheckpointError):
        latentdiff.load_encoder(folder / "open_clip_config.json", weights)
    assert not list(elsewhere.rglob("CANARY"))
    faults.survived("weights that would run code")


def _transformers_folder(folder: Path, **changes: Any) -> Path:
    from transformers import CLIPConfig

    folder.mkdir()
    tower = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = CLIPConfig(text_config=dict(tower), vision_config={**tower, "image_size": 32, "patch_size": 16}, projection_dim=8).to_dict()
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "clip", **changes}))
    (folder / "evil.py").write_text("open('CANARY', 'w').close()\nclass Evil:\n    pass\n")
    return folder


def test_models_of_transformers_run_nothing(elsewhere: Path, faults: Any, contacted: list[str]) -> None:
    """Pickled weights; code that the config names, for a family that we read and for one that transformers does not know."""
    import torch

    weights = _transformers_folder(elsewhere / "weights")
    torch.save({"logit_scale": torch.zeros(()), "x": RunsCode()}, weights / "pytorch_model.bin")
    named = dict.fromkeys(("AutoConfig", "AutoModel", "AutoTokenizer", "AutoImageProcessor"), "evil.Evil")
    own = _transformers_folder(elsewhere / "own", auto_map=named)
    other = _transformers_folder(elsewhere / "other", auto_map=named, model_type="never_heard_of")
    for folder in (own, other):
        (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}))
        (folder / "preprocessor_config.json").write_text(json.dumps({"auto_map": {"AutoImageProcessor": "evil.Evil"}}))
    for folder in (weights, own, other):
        for load in (latentdiff.load_encoder, _captioner):
            with pytest.raises(LatentDiffError):
                load(folder)
            assert not list(elsewhere.rglob("CANARY")), folder
            faults.survived("weights that would run code")
    assert contacted == []


def _captioner(folder: Path) -> Any:
    from latentdiff.describe.image_to_text import load_image_to_text

    return load_image_to_text(folder, device="cpu")


def test_nobody_is_asked_whether_to_run_a_models_code(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal transformers asks, and whoever presses y runs it: LatentDiff never lets it come to that."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    named = dict.fromkeys(("AutoConfig", "AutoModel"), "evil.Evil")
    for load in (latentdiff.load_encoder, _captioner):
        folder = _transformers_folder(elsewhere / load.__name__, auto_map=named, model_type="never_heard_of")
        with pytest.raises((CheckpointError, EncoderError)):
            load(folder)
    assert not list(elsewhere.rglob("CANARY"))


def test_one_changed_bit_of_the_weights_is_another_encoder(tmp_path: Path) -> None:
    """The digest in the fingerprint is that of the numbers; where it is known (here: what the demo's SAE was trained on), it is checked."""
    source = Path(latentdiff.__file__).parent / "demo" / "encoder"
    sae = latentdiff.load_sae(SAE_FOLDER)
    whole = latentdiff.load_encoder("demo", device="cpu", dtype="float32")
    check_encoder(sae, whole.fingerprint, what="these vectors")
    assert re.fullmatch("[0-9a-f]{32}", whole.fingerprint["weights"])
    shutil.copytree(source, tmp_path / "changed")
    weights = tmp_path / "changed" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(bytes(data))
    changed = latentdiff.load_encoder(tmp_path / "changed", device="cpu", dtype="float32")
    assert changed.fingerprint["weights"] != whole.fingerprint["weights"]
    with pytest.raises(InputError, match="weights"):
        check_encoder(sae, changed.fingerprint, what="these vectors")


def test_no_source_file_names_a_place_to_report_to(root: Path) -> None:
    """Every address in what is published is one that a user asks for, or a page to read."""
    asked_for = ("localhost", "127.0.0.1", "www.w3.org", "api.openai.com")
    found = {}
    for part in PUBLISHED:
        for path in (root / part).rglob("*"):
            if path.suffix in (".py", ".js", ".json", ".yml"):
                for host in re.findall(r"(?:https?|wss?)://([\w.-]+\w)", path.read_text(encoding="utf8")):
                    if host not in asked_for:
                        found.setdefault(host, []).append(str(path.relative_to(root)))
    reading = ("docs.voxel51.com", "arxiv.org", "github.com", "example.com", "example")
    assert {host: files for host, files in found.items() if not host.endswith(reading)} == {}


def test_commands_contact_nobody(tmp_path: Path, root: Path, contacted: list[str]) -> None:
    """A comparison with everything that could want a hub, without the variables that would forbid one: the guard sees every attempt."""
    from latentdiff.demo import setting_shift_pair

    pair = setting_shift_pair(30, 3, setting="snow", rates=(0.9, 0.1))
    for side, name in (("A", "winter"), ("B", "summer")):
        (tmp_path / name).mkdir()
        for i, (image, _) in enumerate(pair.draw(side, size=96)):
            image.save(tmp_path / name / f"{i}.jpg")
    (tmp_path / "words.txt").write_text("snow\nbeach\nforest\n")
    unset = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "FIFTYONE_DO_NOT_TRACK", "GRADIO_ANALYTICS_ENABLED")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    environment |= {"PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"])), "LATENTDIFF_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "latentdiff.cli", "compare", str(tmp_path / "winter"), str(tmp_path / "summer"), "--encoder", "demo"]
    command += ["--sae", str(SAE_FOLDER), "--vocabulary", str(tmp_path / "words.txt"), "--report", str(tmp_path / "r.html")]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").exists()
    assert not Path(os.environ["LATENTDIFF_CONTACTED"]).exists(), Path(os.environ["LATENTDIFF_CONTACTED"]).read_text()


def test_every_declared_dependency_is_listed_with_its_licence(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("list_licences", root / "tools" / "list_licences.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    needed = tool.declared()
    assert {"fiftyone", "torch", "gradio", "ray", "hypothesis", "ruff"} <= set(needed) and len(needed) >= 25
    table = (root / "docs" / "licences.md").read_text(encoding="utf8").split("## Brought along")[0]
    rows = {cells[0].strip(): cells[2].strip() for line in table.splitlines() if (cells := line.strip("| ").split(" | "))[2:]}
    assert set(needed) <= set(rows), "run tools/list_licences.py"
    assert not [name for name in needed if rows[name] in ("", "see its page")]
