"""What sae_formats_writers.py has the five major versions of SAELens write."""

from __future__ import annotations

import itertools
from typing import Any

from sae_formats_writers import TOP, Cases, D, K, product, say, shaken


def second(cases: Cases) -> None:
    from sae_lens.training.config import LanguageModelSAERunnerConfig
    from sae_lens.training.sparse_autoencoder import SparseAutoencoder

    for c in product(
        activation_fn=("relu", "tanh-relu"), apply_b_dec_to_input=(True, False), noise_scale=(0.0, 0.1), finetuned=(False, True)
    ):
        entries = {k: v for k, v in c.items() if k != "finetuned"}
        cfg = LanguageModelSAERunnerConfig(
            d_in=D,
            expansion_factor=K // D,
            hook_point="blocks.0.hook_resid_post",
            dtype="torch.float32",
            verbose=False,
            wandb_id="x",
            log_to_wandb=False,
            **entries,
        )
        sae = shaken(SparseAutoencoder(cfg))
        if not c["finetuned"]:
            sae.scaling_factor.data.fill_(1)
        usual = c["activation_fn"] == "relu" and not c["noise_scale"]
        cases.add(f"standard, {say(c)}", lambda f, s=sae: s.save_model(str(f)), sae.encode, one_pass=usual)


def third_to_fifth(cases: Cases, architectures: tuple[str, ...]) -> None:
    from sae_lens.sae import SAE, SAEConfig

    norms = ("none", "layer_norm", "constant_norm_rescale", "expected_average_only_in")
    for c in product(
        architecture=architectures,
        activation_fn_str=("relu", "topk", "tanh-relu"),
        normalize_activations=norms,
        apply_b_dec_to_input=(True, False),
    ):
        kwargs = {"k": TOP} if c["activation_fn_str"] == "topk" else {}
        common = {
            "d_in": D,
            "d_sae": K,
            "finetuning_scaling_factor": False,
            "context_size": 1,
            "model_name": "m",
            "hook_name": "h",
            "hook_layer": 0,
            "hook_head_index": None,
        }
        common |= {
            "prepend_bos": False,
            "dataset_path": "",
            "dataset_trust_remote_code": False,
            "dtype": "float32",
            "device": "cpu",
            "sae_lens_training_version": None,
        }
        sae = shaken(SAE(SAEConfig(**common, **c, activation_fn_kwargs=kwargs)))
        usual = c["activation_fn_str"] != "tanh-relu" and c["normalize_activations"] != "expected_average_only_in"
        cases.add(say(c), lambda f, s=sae: s.save_model(str(f)), sae.encode, one_pass=usual)


NORMS = ("none", "layer_norm", "constant_norm_rescale", "expected_average_only_in")
READABLE = ("StandardSAE", "GatedSAE", "JumpReLUSAE", "TopKSAE")
OTHER = ("AbsTopKSAE", "MatchingPursuitSAE", "TemporalSAE", "Transcoder", "SkipTranscoder", "JumpReLUTranscoder", "JumpReLUSkipTranscoder")
TRAINED = ("Standard", "Gated", "JumpReLU", "TopK", "BatchTopK", "MatryoshkaBatchTopK", "AbsTopK")


def sixth(cases: Cases) -> None:
    """Every inference SAE with each normalisation, and every trainer's, saved as it trains and as it is finished."""
    for kind in (*READABLE, *OTHER):
        norms = NORMS if kind in READABLE else NORMS[:1]
        for norm, subtract, rescale in itertools.product(norms, (True, False), (False, True) if "TopK" in kind else (False,)):
            extra = {"apply_b_dec_to_input": subtract, "normalize_activations": norm}
            one_pass = kind in READABLE and norm != "expected_average_only_in"
            _add(cases, kind, extra, "save_model", one_pass, rescale)
    for kind in TRAINED:
        for rescale, how in itertools.product((False, True) if "TopK" in kind else (False,), ("save_model", "save_inference_model")):
            _add(cases, f"{kind}TrainingSAE", {}, how, "Abs" not in kind, rescale)


def _add(cases: Cases, kind: str, extra: dict[str, Any], how: str, one_pass: bool, rescale: bool) -> None:
    """An SAE of sae-lens 6; a trainer's batch-wise one is encoded by the inference SAE that the library makes of it."""
    import sae_lens.saes as saes
    from sae_lens.saes.sae import SAE

    name = f"{kind}, {how}, {say(extra | {'rescale': rescale})}"
    if "TopK" in kind:
        extra = extra | {"k": TOP, "rescale_acts_by_decoder_norm": rescale}
    if "Matryoshka" in kind:
        extra = extra | {"matryoshka_widths": [6, 12, K]}
    if "Transcoder" in kind:
        extra = extra | {"d_out": D}
    try:
        sae = shaken(getattr(saes, kind)(getattr(saes, f"{kind}Config")(d_in=D, d_sae=K, **extra)))
    except Exception as e:
        cases.broken(name, e)
        return
    encode = sae.encode
    if "BatchTopK" in kind:
        folder = cases.out.parent / "inference" / cases.folder(name).name
        sae.save_inference_model(folder)
        encode = SAE.load_from_disk(folder).encode
    cases.add(name, lambda f: getattr(sae, how)(f), encode, one_pass=one_pass)
