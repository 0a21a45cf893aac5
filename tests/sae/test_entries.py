"""Config entries: whatever may change the codes and was not used is a reason to refuse, and what its writer says of training is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentdiff import CheckpointError, load_sae
from latentdiff.sae.formats import known
from latentdiff.sae.formats.checkpoint import Checkpoint
from latentdiff.sae.formats.entries import may_change_codes, names_activation
from tests.sae.writers import others, published
from tests.sae.writers.published import D, K, Writer, variant

X = np.random.default_rng(7).standard_normal((30, D)).astype(np.float32)
CLIP = {"model_type": "clip", "tags": ["vision"], "logit_scale_init_value": 2.6}
CLIP |= {"vision_config": {"num_attention_heads": 12, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}}


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both, the new one's values where both have one, dict by dict."""
    inner = {name: merged(old[name], value) for name, value in new.items() if isinstance(value, dict) and isinstance(old.get(name), dict)}
    return {**old, **new, **inner}


def refused_with(writer: Writer, file: str, entries: dict[str, Any], match: str, folder: Path, *, alone: bool = False) -> None:
    """An SAE whose config says these entries too (or nothing else) is refused."""
    written = writer(folder, 0)
    config = json.loads((folder / file).read_text()) if (folder / file).is_file() and not alone else {}
    (folder / file).write_text(json.dumps(merged(config, entries)))
    with pytest.raises(CheckpointError, match=match):
        load_sae(written.path, **written.options)


def read_with(writer: Writer, files: dict[str, Any], folder: Path) -> dict[str, Any]:
    """An SAE beside which these files lie too is read as it is without them; what it says of itself."""
    written = writer(folder, 0)
    for name, entries in files.items():
        old = json.loads((folder / name).read_text()) if (folder / name).is_file() else {}
        (folder / name).write_text(json.dumps(merged(old, entries)))
    sae = load_sae(written.path, **written.options)
    np.testing.assert_allclose(sae.encode(X).toarray(), written.codes(X), rtol=2e-6, atol=2e-6)
    return sae.info


@pytest.mark.parametrize(
    ("entries", "name"),
    [
        ({"type": "topk", "num_active": 8}, "type = 'topk'"),
        ({"variant": "topk"}, "variant"),
        ({"model_type": "topk_sae"}, "model_type"),
        ({"sae_class": "TopKSAE"}, "sae_class"),
        ({"class_name": "Other"}, "class_name"),
        ({"_target_": "saes.top_k.AutoEncoderTopK"}, "_target_"),
        ({"activation_name": "topk"}, "activation_name"),
        ({"topk_size": 8}, "topk_size"),
        ({"topK": 8}, "topK"),
        ({"k_sparsity": 8}, "k_sparsity"),
        ({"l0": 8}, "l0"),
        ({"num_active": 8}, "num_active"),
        ({"model": {"activation": "topk", "k": 8}}, "model.activation"),
        ({"sae": {"k": 8}}, "sae.k"),
        ({"encoder": {"activation": "gelu"}}, "encoder.activation"),
        ({"layers": [{"width": 14}, {"kind": "Leaky-ReLU"}]}, "layers.kind"),
        ({"activation": {"slopes": [0.1]}}, "activation.slopes"),
        ({"args": {"normalize": True}}, "args.normalize"),
        ({"leaky_relu_alpha": 0.1}, "leaky_relu_alpha"),
        ({"softplus_beta": 2}, "softplus_beta"),
        ({"relu6": True}, "relu6"),
        ({"clip_value": 3.0}, "clip_value"),
        ({"theta": 0.2}, "theta"),
        ({"standardize": True}, "standardize"),
        ({"layernorm": True}, "layernorm"),
        ({"apply_ln": True}, "apply_ln"),
        ({"input_std_path": "std.pt"}, "input_std_path"),
        ({"dataset_rms": 11.3}, "dataset_rms"),
        ({"input_multiplier": 11.3}, "input_multiplier"),
        ({"trainer": {"trainer_class": "TopKTrainer"}}, "trainer.trainer_class"),
        ({"trainer": {"dict_class": "AutoEncoder"}, "normalize_inputs": True}, "normalize_inputs"),
        ({"trainer": {"dict_class": "AutoEncoder"}, "activation": "topk", "k": 8}, "activation"),
        ({"trainer": {"dict_class": "AutoEncoder"}, "buffer": {"norm_factor": 3.0}}, "buffer.norm_factor"),
        ({"trainer": {"dict_class": "AutoEncoder", "model": {"act": "gelu"}}}, "trainer.model.act"),
    ],
    ids=str,
)
def test_an_entry_is_a_reason_to_refuse_wherever_it_stands(entries: dict[str, Any], name: str, tmp_path: Path) -> None:
    refused_with(published.relu_dictionary, "config.json", entries, f"the config says {name}", tmp_path, alone=True)


LENS_TOPK, LENS_OLD_TOPK = variant(published.saelens, architecture="topk"), variant(published.saelens, old_topk=True)


@pytest.mark.parametrize(
    ("writer", "entries", "match"),
    [
        (published.saelens, {"standardize": True}, "standardize"),
        (published.saelens, {"activation_name": "topk"}, "activation_name"),
        (published.saelens, {"model": {"activation": "topk"}}, "model.activation"),
        (published.saelens, {"metadata": {"architecture": "transcoder"}}, "metadata.architecture"),
        (published.saelens, {"metadata": {"normalize_activations": "layer_norm"}}, "metadata.normalize_activations"),
        (published.saelens, {"metadata": {"training_architecture": "temporal"}}, "'temporal' is not read"),
        (published.saelens, {"metadata": {"training_architecture_details": {"post": "abs"}}}, "details.post"),
        (LENS_TOPK, {"activation_fn_kwargs": {"k": 4, "postact_fn": "identity"}}, "activation_fn_kwargs.postact_fn"),
        (LENS_OLD_TOPK, {"activation_fn": "relu"}, "activation_fn = 'relu', and another in activation_fn_str"),
        (LENS_TOPK, {"activation_fn_kwargs": {"k": 3}}, "k = 4, and 3 in activation_fn_kwargs"),
        (LENS_OLD_TOPK, {"activation_fn_kwargs": {"use_abs": True}}, "activation_fn_kwargs.use_abs"),
        (others.sparsify, {"activation_name": "groupmax"}, "activation_name"),
        (others.sparsify, {"input_layernorm": True}, "input_layernorm"),
    ],
)
def test_entries_that_readers_of_a_cfg_did_not_use(writer: Writer, entries: dict[str, Any], match: str, tmp_path: Path) -> None:
    refused_with(writer, "cfg.json", entries, match, tmp_path)


@pytest.mark.parametrize(
    ("writer", "entries", "match"),
    [
        (others.bussmann, {"standardize": True}, "standardize"),
        (others.bussmann, {"sae_variant": "signed"}, "sae_variant"),
        (others.visaebench, {"architecture": "jumprelu"}, "architecture = 'jumprelu'"),
        (published.prisma, {"sae": {"k": 3}}, "sae.k"),
        (published.msae, {"activation": "abs"}, "config.json says activation"),
        (published.overcomplete, {"activation": "abs"}, "activation"),
    ],
)
def test_entries_that_readers_of_a_config_did_not_use(writer: Writer, entries: dict[str, Any], match: str, tmp_path: Path) -> None:
    refused_with(writer, "config.json", entries, match, tmp_path)


TRAINED: dict[str, tuple[Writer, str, dict[str, Any]]] = {
    "dictionary_learning": (
        published.topk,
        "config.json",
        {
            "trainer": {
                "trainer_class": "TopKTrainer",
                "auxk_alpha": 0.03,
                "threshold_beta": 0.999,
                "threshold_start_step": 1000,
                "lr": 1e-3,
            }
            | {"top_k_aux": 3, "warmup_steps": 1000, "decay_start": 800, "wandb_name": "AutoEncoderTopK", "submodule_name": "resid_post"},
            "buffer": {"d_submodule": D, "io": "out", "n_ctxs": 3000, "ctx_len": 128, "refresh_batch_size": 64, "out_batch_size": 512},
        },
    ),
    "dictionary_learning jump-ReLU": (
        published.jump_dictionary,
        "config.json",
        {"trainer": {"target_l0": 20, "bandwidth": 0.001, "sparsity_penalty": 1.0, "sparsity_warmup_steps": 2000}},
    ),
    "SAELens 5": (
        LENS_OLD_TOPK,
        "cfg.json",
        {"jumprelu_init_threshold": 0.001, "jumprelu_bandwidth": 0.001, "normalize_sae_decoder": True, "noise_scale": 0.1, "lp_norm": 1.0}
        | {"mse_loss_normalization": "dense_batch", "scale_sparsity_penalty_by_decoder_norm": True, "decoder_heuristic_init_norm": 0.1}
        | {"cached_activations_path": "relu/topk", "use_cached_activations": True, "act_store_device": "cpu", "seqpos_slice": [None]}
        | {"b_dec_init_method": "mean", "dead_feature_threshold": 1e-8, "log_activations_store_to_wandb": True, "run_name": "topk"}
        | {"model_name": "gelu-2l", "model_from_pretrained_kwargs": {"center_writing_weights": True, "fold_ln": True}},
    ),
    "SAELens 6": (
        variant(others.saelens_trained, finished=True),
        "cfg.json",
        {
            "reshape_activations": "hook_z",
            "metadata": {
                "training_architecture_details": {"decoder_init_norm": 0.1, "rescale_acts_by_decoder_norm": True, "l0_coefficient": 1.0}
                | {"jumprelu_tanh_scale": 4.0, "jumprelu_sparsity_loss_mode": "tanh", "target_l0": 20, "use_sparse_activations": True},
                "model_from_pretrained_kwargs": {"center_writing_weights": True},
            },
        },
    ),
    "ViT-Prisma": (
        published.prisma,
        "config.json",
        {"transcoder_with_skip_connection": True, "initialization_method": "encoder_transpose_decoder", "max_grad_norm": 1.0, "lp_norm": 1}
        | {"cached_activations_path": "activations/x", "use_cached_activations": True, "lr_scheduler_name": "cosineannealingwarmup"}
        | {"vit_model_cfg": {"n_layers": 12, "n_heads": 12, "activation_name": "quick_gelu", "normalization_type": "LN"}},
    ),
    "bartbussmann": (
        others.bussmann,
        "config.json",
        {"top_k_matryoshka": [10, 10], "site": "resid_pre", "name": "gpt2_blocks.8.hook_resid_pre_12288_topk_32_0.0003"},
    ),
    "sparsify": (others.sparsify, "cfg.json", {"multi_topk": True, "normalize_decoder": True}),
}


@pytest.mark.parametrize("name", TRAINED)
def test_what_writers_say_of_training_is_no_reason(name: str, tmp_path: Path) -> None:
    writer, file, entries = TRAINED[name]
    read_with(writer, {file: entries}, tmp_path)


def test_entries_of_other_things_are_no_reason(tmp_path: Path) -> None:
    entries = {"optimizer": {"name": "adam", "power": 2}, "loss": {"norm": 2}, "metrics": {"l0": 31.5}, "software_version": "1", **CLIP}
    entries |= {"data": {"activations_path": "x", "n_activations": 100}, "save_dir": "topk", "wandb_name": "TopKSAE", "hook_name": "relu"}
    read_with(published.relu_dictionary, {"config.json": entries}, tmp_path)


@pytest.mark.parametrize(
    "text", ["topk", "Top-K", "BatchTopKSAE", "torch.nn.GELU", "layer_norm", "JumpReLU-v2", "leaky relu", "normalized"]
)
def test_texts_that_name_an_activation(text: str) -> None:
    assert names_activation(text)


@pytest.mark.parametrize(
    "text", ["relu", "standard", "gelu-2l", "resid_post", "blocks.2.hook_resid_pre", "openai/clip-vit", "1" * 60, "abs/top"]
)
def test_texts_that_name_none(text: str) -> None:
    assert not names_activation(text)


def test_what_says_false_of_a_part_says_something() -> None:
    assert may_change_codes(("use_bias",), False) and may_change_codes(("a", "relu"), False)
    assert not may_change_codes(("use_topk",), False) and not may_change_codes(("norm",), {}) and not may_change_codes(("k",), None)


def test_a_config_of_a_hub_beside_that_of_a_library(tmp_path: Path) -> None:
    vit = {"model_type": "vit", "num_attention_heads": 12, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
    for name, writer, file, own in (
        ("lens", published.saelens, "config.json", "cfg.json"),
        ("pach", published.pach, "cfg.json", "config.json"),
        ("yaml", variant(others.visaebench, yaml=True), "config.json", "config.yaml"),
    ):
        for i, hub in enumerate((CLIP, vit)):
            folder = tmp_path / f"{name}{i}"
            folder.mkdir()
            assert read_with(writer, {file: hub}, folder)["origin"]["config_file"] == own


def test_a_second_config_that_says_something_else(tmp_path: Path) -> None:
    for name, writer, file, match in (
        ("lens", published.saelens, "config.json", r"config.json says activation = 'topk'"),
        ("relu", published.relu_dictionary, "cfg.json", r"With config.json: .*cfg.json says activation.*With cfg.json: "),
    ):
        (tmp_path / name).mkdir()
        refused_with(writer, file, {"activation": "topk"}, match, tmp_path / name)
    (tmp_path / "pickled").mkdir()
    entries = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 3}}
    pickled = variant(published.prisma, pickled="weights.pt")
    refused_with(pickled, "config.json", entries, "the config inside says activation_fn_str = 'relu'", tmp_path / "pickled")


def test_configs_of_no_format_are_all_told(tmp_path: Path) -> None:
    written = published.saelens(tmp_path, 0)
    (tmp_path / "cfg.json").write_text(json.dumps({"lr": 1}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    with pytest.raises(CheckpointError, match=r"config.json says model_type, and cfg.json says lr"):
        load_sae(written.path)


def test_a_reader_that_takes_a_dict_takes_all_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(c: Checkpoint) -> dict[str, Any]:
        c.entry("sae")
        return known.dictionary_learning(c)

    monkeypatch.setattr(known, "FORMATS", [known.Format("mine", lambda f: "mine" in f.config, read), *known.FORMATS])
    entries = {"mine": 1, "sae": {"activation": "relu", "layers": [{"norm": "l2"}]}}
    read_with(published.relu_dictionary, {"config.json": entries}, tmp_path)
    (tmp_path / "more").mkdir()
    refused_with(published.relu_dictionary, "config.json", {**entries, "k": K}, "says k = 14", tmp_path / "more")
