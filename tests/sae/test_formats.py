"""Look-alikes: what a file is has to be in it, and whatever may change its codes and is not understood is a reason to refuse."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from latentdiff import CheckpointError, InputError, load_sae
from tests.sae.writers import others, published
from tests.sae.writers.others import OTHERS, TOP
from tests.sae.writers.published import D, K, weights

X = np.random.default_rng(6).standard_normal((30, D)).astype(np.float32)


def refused(source: Path, match: str, **options: Any) -> None:
    with pytest.raises(CheckpointError, match=match):
        load_sae(source, **options)


def agrees(written: published.Published, recognised: str) -> None:
    sae = load_sae(written.path, **written.options)
    got, want = sae.encode(X), written.codes(X)
    assert 0.02 < np.mean(want > 0) < 0.9
    np.testing.assert_allclose(got.toarray(), want, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(sae.decode(got, X), written.rebuilt(X), rtol=5e-6, atol=5e-6)
    assert (sae.info["format"], sae.groups) == (recognised, written.groups)


@pytest.mark.parametrize("name", OTHERS)
def test_codes_are_those_of_the_published_equation(name: str, tmp_path: Path) -> None:
    recognised, writer = OTHERS[name]
    agrees(writer(tmp_path, 2), recognised)


@pytest.mark.parametrize(
    ("schema", "k", "learnt", "recognised"),
    [
        (0, 0, None, "saev ReLU"),
        (1, 3, None, "saev TopK"),
        (2, 0, None, "saev ReLU"),
        (2, 3, None, "saev TopK"),
        (3, 3, None, "saev TopK"),
        (4, 3, 0.3, "saev BatchTopK"),
        (5, 0, None, "saev ReLU"),
        (5, 3, 0.3, "saev BatchTopK"),
        (5, 3, 0.0, "saev BatchTopK"),
    ],
)
def test_saev_writes_its_config_before_the_archive(schema: int, k: int, learnt: float | None, recognised: str, tmp_path: Path) -> None:
    written = others.saev(tmp_path, 4, schema=schema, k=k, learnt=learnt)
    agrees(written, recognised)
    agrees(published.Published(tmp_path, written.encode, written.decode), recognised)


def test_saev_files_that_are_something_else(tmp_path: Path) -> None:
    path = others.saev(tmp_path, 0, schema=2, k=3).path
    line, _, archive = path.read_bytes().partition(b"\n")
    for old, new, match in (
        (b'"schema": 2', b'"schema": 6', r"schema 6 of saev is not read"),
        (b'"exp_factor"', b'"scale": 3, "exp_factor"', r"scale = .*which the reader of saev"),
        (b'"TopK"', b'"Jump"', r"activation 'Jump' of saev"),
        (b'"exp_factor": 2', b'"exp_factor": 3', r"and \d+ concepts; its tensors"),
        (b'"schema": 2', b'"schema": 1, "cls": "SparseAutoencoderConfig"', r"subtract b_dec"),
        (line, b"[]", r"is not a file of torch.save"),
        (line, b"{]", r"damaged"),
    ):
        path.write_bytes(line.replace(old, new) + b"\n" + archive)
        refused(path, match)
    path.write_bytes(line.replace(b'"schema": 2', b'"schema": 3').replace(b'"TopK"', b'"BatchTopK"') + b"\n" + archive)
    refused(path, r"has no 'threshold'")  # of a batch: its codes would hang on who else is in it
    path.write_bytes(b'{"a": 1}')
    refused(path, r"no archive after the first line")


def bare(folder: Path, config: dict[str, Any] | None, **more: torch.Tensor) -> Path:
    """W_enc, W_dec and their biases, with whatever config lies beside them."""
    w = weights(0)
    torch.save({"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"], **more}, folder / "sae.pt")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    "entry",
    ({"use_pre_bias": False}, {"relu": False}, {"soft_cap": 30.0}, {"threshold_type": "soft"}, {"power": 2.0}, {"use_abs_topk": True}),
    ids=str,
)
def test_entries_that_may_change_the_equation_are_reasons_to_refuse(entry: dict[str, Any], tmp_path: Path) -> None:
    for name, write in (("pach", published.pach), ("lens", published.saelens), ("prisma", published.prisma)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, 0)
        path = tmp_path / name / ("cfg.json" if name == "lens" else "config.json")
        config = json.loads(path.read_text())
        (config["trainer"] if name == "pach" else config).update(entry)
        path.write_text(json.dumps(config))
        refused(tmp_path / name, f"{next(iter(entry))} = ")


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (None, r"its config .* is missing beside it"),
        ({"lr": 0.1}, r"is of no format that is read .* it holds W_dec, W_enc, b_dec, b_enc, and config.json says lr"),
        ({"d_in": D, "d_sae": K}, r"is of no format that is read"),
        ({"d_in": D, "d_sae": K, "architecture": "standard", "activation": "gelu"}, r"activation = 'gelu', which the reader of SAELens"),
        ({"d_in": D, "d_sae": K, "architecture": "standard", "input_scale": 3.0}, r"input_scale = 3.0"),
        ({"d_in": D, "d_sae": K, "architecture": "abstopk", "k": 3}, r"architecture 'abstopk' is not read"),
        ({"d_in": D, "d_sae": K, "hook_point": "h", "activation_fn": "tanh-relu"}, r"activation 'tanh-relu' is not read"),
        ({"d_in": D, "d_sae": K, "hook_point": "h", "noise_scale": 0.1}, r"adds noise"),
        ({"d_in": D, "d_sae": K, "architecture": "batchtopk", "k": 3}, r"has no 'topk_threshold'"),
        ({"sae_type": "maxpool", "act_size": D, "dict_size": K}, r"sae_type 'maxpool' is not read"),
        ({"sae_type": "topk", "act_size": D, "dict_size": K, "top_k": 3}, r"b_enc is not zero.*use_encoder_bias"),
        ({"sae_type": "vanilla", "act_size": D, "dict_size": K, "activation": "abs"}, r"activation 'abs'"),
        ({"sae_type": "vanilla", "act_size": D, "dict_size": K + 1}, r"dict_size = 15"),
    ],
)
def test_bare_weights_are_read_on_evidence_alone(config: dict[str, Any] | None, match: str, tmp_path: Path) -> None:
    refused(bare(tmp_path, config), match)


def test_tensors_that_the_equation_does_not_have(tmp_path: Path) -> None:
    refused(bare(tmp_path, {"d_in": D, "d_sae": K, "architecture": "standard"}, W_skip=torch.ones(D, D)), r"holds W_skip, which .* SAELens")
    (tmp_path / "q").mkdir()
    written = others.archetypal(tmp_path / "q", 0, plain=True)
    state = torch.load(tmp_path / "q" / "model.pth", weights_only=True)
    torch.save({**state, "Q": torch.linspace(0, 1, 4)}, tmp_path / "q" / "model.pth")
    refused(tmp_path / "q", r"holds Q, which", threshold=0.0)
    torch.save({n: t for n, t in state.items() if n.startswith("dictionary")}, tmp_path / "q" / "model.pth")
    refused(tmp_path / "q", r"matching pursuit", **written.options)
    state = {n: t for n, t in state.items() if not n.startswith("encoder")} | {"encoder.tied_to._weights": weights(0)["dec"]}
    torch.save({**state, "dictionary._weights": weights(0)["dec"]}, tmp_path / "q" / "model.pth")
    refused(tmp_path / "q", r"not normalised.*model.eval", **written.options)


def test_an_encoder_bias_can_be_told(tmp_path: Path) -> None:
    config = {"sae_type": "topk", "act_size": D, "dict_size": K, "top_k": 3}
    w = weights(0)
    for told in (True, False):
        sae = load_sae(bare(tmp_path, {**config, "use_encoder_bias": told}))
        np.testing.assert_array_equal(sae.b_enc, w["be"].numpy() if told else np.zeros(K))


def test_batch_topk_of_a_repository_needs_its_threshold(tmp_path: Path) -> None:
    written = others.bussmann(tmp_path, 0, kind="batchtopk")
    state = torch.load(tmp_path / "sae.pt", weights_only=True)
    torch.save({**state, "threshold": torch.tensor(0.0)}, tmp_path / "sae.pt")
    refused(tmp_path, r"threshold is 0: it was never learnt")
    del state["threshold"]
    torch.save(state, tmp_path / "sae.pt")
    refused(tmp_path, r"has no 'threshold'; pass threshold=")
    got = load_sae(tmp_path, threshold=float(np.float32(0.2))).encode(X).toarray()
    np.testing.assert_allclose(got, written.codes(X), atol=2e-6)


def test_two_linear_layers_are_no_class(tmp_path: Path) -> None:
    written = published.relu_dictionary(tmp_path, 0, newer=True)
    (tmp_path / "config.json").write_text(json.dumps({"activation": "topk", "k": 8}))
    refused(tmp_path, r"two linear layers.*activation = 'topk'.*pass top_k=")
    refused(tmp_path, r"pass top_k=", threshold=0.0)
    assert load_sae(tmp_path, top_k=8).encode(X).toarray().astype(bool).sum(1).max() <= 8
    with pytest.raises(InputError, match=r"top_k does not apply: .*its own: 8"):
        load_sae(tmp_path, top_k=3)
    (tmp_path / "config.json").write_text(json.dumps({"activation": "gelu"}))
    refused(tmp_path, r"activation = 'gelu'.*it is not read", threshold=0.0)
    (tmp_path / "config.json").unlink()
    refused(tmp_path, r"no config beside it says of which class")
    np.testing.assert_allclose(load_sae(tmp_path, threshold=0.0).encode(X).toarray(), written.codes(X), atol=2e-6)


def test_options_never_override_the_file(tmp_path: Path) -> None:
    published.pach(tmp_path, 0, threshold=0.25)
    with pytest.raises(InputError, match=r"threshold does not apply"):
        load_sae(tmp_path, threshold=0.5)
    with pytest.raises(InputError, match=r"top_k does not apply"):
        load_sae(tmp_path, top_k=3)
    (tmp_path / "lens").mkdir()
    published.saelens(tmp_path / "lens", 0, architecture="topk")
    with pytest.raises(InputError, match=r"top_k does not apply: .*its own: 4"):
        load_sae(tmp_path / "lens", top_k=2)


def test_topk_dictionaries_that_learnt_a_threshold_stay_topk(tmp_path: Path) -> None:
    written = published.topk(tmp_path, 0)
    state = torch.load(tmp_path / "ae.pt", weights_only=True)
    torch.save({**state, "threshold": torch.tensor(0.3)}, tmp_path / "ae.pt")
    np.testing.assert_allclose(load_sae(tmp_path).encode(X).toarray(), written.codes(X), atol=2e-6)
    (tmp_path / "config.json").unlink()
    refused(tmp_path, r"whether it is a TopK or a BatchTopK SAE")
    np.testing.assert_allclose(load_sae(tmp_path, top_k=4).encode(X).toarray(), written.codes(X), atol=2e-6)


def test_the_folder_of_a_trainer_of_prisma(tmp_path: Path) -> None:
    written = published.prisma(tmp_path, 0)
    torch.save(torch.zeros(K), tmp_path / "n_images_2600058_log_feature_sparsity.pt")
    np.testing.assert_allclose(load_sae(tmp_path).encode(X).toarray(), written.codes(X), atol=2e-6)


def test_pickles_are_read_as_data(tmp_path: Path) -> None:
    """A folder's only weights may be a pickle; nothing in it is ever called, and it unpacks to no more than an SAE has."""
    written = published.prisma(tmp_path, 0, pickled="weights.pkl")
    good = (tmp_path / "weights.pkl").read_bytes()
    (tmp_path / "weights.pkl").unlink()
    (tmp_path / "weights.pkl.gz").write_bytes(gzip.compress(good))
    agrees(published.Published(tmp_path, written.encode, written.decode), "ViT-Prisma standard")
    canary = tmp_path / "canary"

    class Payload:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {canary}",)

    storage = good.index(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19")  # the magic number of a file of torch inside the pickle
    for content, match in (
        (pickle.dumps({"cfg": {}, "state_dict": {"W_enc": Payload()}}), r"would run code: it names posix.system"),
        (good[: storage + 2] + b"\0" + good[storage + 3 :], r"a storage whose bytes hold none"),
        (good[: len(good) // 2], r"damaged"),
        (b"\x80\x04" + bytes(20_000_000), r"unpacks to more than"),
        (b"no pickle", r"holds no pickle"),
        (pickle.dumps([1, 2]), r"holds a list"),
    ):
        (tmp_path / "weights.pkl.gz").write_bytes(gzip.compress(content))
        refused(tmp_path, match)
    assert not canary.exists()


def test_sparse_coders_that_are_something_else(tmp_path: Path) -> None:
    others.sparsify(tmp_path, 0)
    config = json.loads((tmp_path / "cfg.json").read_text())
    for change, match in (
        ({"activation": "groupmax"}, "'groupmax'"),
        ({"transcode": True}, "transcoder"),
        ({"num_latents": 3}, "num_latents = 3"),
    ):
        (tmp_path / "cfg.json").write_text(json.dumps({**config, **change}))
        refused(tmp_path, match)
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    save_file({**load_file(tmp_path / "sae.safetensors"), "W_skip": torch.zeros(D, D)}, tmp_path / "sae.safetensors")
    refused(tmp_path, r"holds W_skip")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("activation: [topk", "cannot be read as YAML"),
        ("activation: topk\nk: &a [4]\nh: [*a, *a]", "anchors"),
        ("- topk", "YAML list"),
        ("!!python/object/apply:os.system [id]", "cannot be read as YAML"),
        ("activation: topk\nk: 4\nthreshold: 0.5", "threshold = 0.5"),
        ("activation: topk\n" + "# much\n" * 50_000, "a config has a few thousand"),
    ],
)
def test_what_a_yaml_config_may_not_hold(tmp_path: Path, text: str, match: str) -> None:
    others.visaebench(tmp_path, 0, yaml=True)
    (tmp_path / "config.yaml").write_text(text, encoding="utf8")
    refused(tmp_path, match)


def test_thresholds_that_two_libraries_read_differently(tmp_path: Path) -> None:
    others.visaebench(tmp_path, 0, kind="jumprelu", named=True)
    state = torch.load(tmp_path / "sae.pt", weights_only=True)
    state["thresholds"] = state.pop("jump_thresholds")
    torch.save(state, tmp_path / "sae.pt")
    refused(tmp_path, r"logarithms in overcomplete and plain numbers in VisAEBench")
    del state["thresholds"]
    torch.save(state, tmp_path / "sae.pt")
    refused(tmp_path, r"without jump_thresholds")
    assert TOP < K
