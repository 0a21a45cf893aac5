"""One library writes its sparse autoencoders and encodes with them: ``python sae_formats_writers.py LIBRARY OUT``.

Run by sae_formats.py in a process of its own, with the library's folder first on ``PYTHONPATH``. Every case is a folder in OUT: the files
that the library's own code saved, ``codes.npy`` (what its own ``encode`` gives for ``OUT/x.npy``) and ``case.json``: the architecture, what
``load_sae`` is told, and whether one pass of relu, threshold or top-k in each row can express it. Language models, data sets and loggers
that these libraries import and their SAEs do not use are stood in for by empty modules.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import itertools
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

D, K, TOP = 12, 36, 4
ABSENT = (
    "accelerate", "automated_interpretability", "babe", "bitsandbytes", "boto3", "cvxpy", "datasets", "dotenv", "fire", "huggingface_hub",
    "matplotlib", "nltk", "nnsight", "pandas", "plotly", "plotly_express", "schedulefree", "skimage", "sklearn", "submitit", "tenacity",
    "timm", "torchvision", "tqdm", "transformer_lens", "transformers", "triton", "tyro", "wandb", "zstandard",
)  # fmt: skip


class Empty(types.ModuleType):
    """A module in which every name is a class that does nothing."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (torch.nn.Module,), {"forward": lambda self, x: x, "setup": lambda self: None, "hook_dict": {}})
        setattr(self, name, value)
        return value


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds empty modules for what is not installed here."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in ABSENT else None

    def create_module(self, spec: Any) -> Any:
        return Empty(spec.name)

    def exec_module(self, module: Any) -> None:
        pass


def shaken(model: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """The model with every weight moved off its initial value, thresholds kept positive."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in [*model.named_parameters(), *model.named_buffers()]:
            if not p.dtype.is_floating_point:
                continue
            noise = torch.randn(p.shape, generator=g, dtype=torch.float32).to(p.dtype)
            if "threshold" in name and "log" not in name and name != "thresholds":
                p.copy_(0.2 + 0.1 * noise.abs())
            elif "log_threshold" in name or name == "thresholds":
                p.copy_(-1.5 + 0.3 * noise)
            else:
                p.add_(0.3 * noise)
    return model.eval()


class Cases:
    """Writes cases beside each other."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.x = torch.from_numpy(np.load(out / "x.npy"))

    def folder(self, name: str) -> Path:
        """Where a case lies."""
        return self.out / name.replace("/", "_").replace(" ", "_").replace(",", "")

    def broken(self, name: str, error: Exception) -> None:
        """A case that the library itself cannot make."""
        self.folder(name).mkdir(parents=True, exist_ok=True)
        (self.folder(name) / "case.json").write_text(json.dumps({"name": name, "broken": f"{type(error).__name__}: {str(error)[:200]}"}))

    def add(
        self,
        name: str,
        save: Callable[[Path], Any],
        encode: Callable[[torch.Tensor], Any],
        *,
        one_pass: bool = True,
        **options: Any,
    ) -> None:
        """One case; ``options`` are for ``load_sae``."""
        folder = self.folder(name)
        folder.mkdir(parents=True)
        try:
            with torch.no_grad():
                codes = encode(self.x)
            save(folder)
        except Exception as e:
            self.broken(name, e)
            return
        np.save(folder / "codes.npy", codes.detach().float().numpy())
        (folder / "case.json").write_text(json.dumps({"name": name, "one_pass": one_pass, "options": options}))


def product(**choices: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def say(choice: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in choice.items())


def overcomplete(cases: Cases) -> None:
    import matplotlib as mpl
    from matplotlib import cm

    if not hasattr(cm, "get_cmap"):
        cm.get_cmap = mpl.colormaps.get_cmap  # its plots, imported with it, ask for what newer matplotlib lacks
    import overcomplete.sae as oc

    points = torch.randn(20, D, generator=torch.Generator().manual_seed(5))
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "SAE": (lambda **a: oc.SAE(D, K, **a), {"threshold": 0.0}),
        "TopKSAE": (lambda **a: oc.TopKSAE(D, K, top_k=TOP, **a), {"top_k": TOP}),
        "BatchTopKSAE": (lambda **a: oc.BatchTopKSAE(D, K, top_k=TOP, **a), {"threshold": 0.25}),
        "JumpSAE": (lambda **a: oc.JumpSAE(D, K, **a), {}),
        "QSAE": (lambda **a: oc.QSAE(D, K, q=4, **a), {"threshold": 0.0}),
        "RATopKSAE": (lambda **a: oc.RATopKSAE(D, K, points=points, top_k=TOP, **a), {"top_k": TOP}),
        "RAJumpSAE": (lambda **a: oc.RAJumpSAE(D, K, points=points, **a), {}),
        "MpSAE": (lambda **a: oc.MpSAE(D, K, k=TOP), {"top_k": TOP}),
        "OMPSAE": (lambda **a: oc.OMPSAE(D, K, k=TOP), {"top_k": TOP}),
    }
    for kind, (make, options) in kinds.items():
        for encoder in ("linear", "mlp_bn_1", "mlp_ln_1", "mlp_bn_3", "tied", "tied bias", "untied", "untied bias"):
            if kind in ("MpSAE", "OMPSAE") and encoder != "linear":
                continue
            model = make(**({"encoder_module": encoder} if encoder.startswith("mlp") else {}))
            for word in ("untied", "tied"):
                if encoder.startswith(word):
                    model = getattr(model, word)(bias="bias" in encoder)
            model.eval().train()
            model = shaken(model).train().eval()  # fused anew, as in use
            if kind == "BatchTopKSAE":
                model.running_threshold = torch.tensor(0.25)
            usual = kind not in ("QSAE", "MpSAE", "OMPSAE") and encoder not in ("mlp_ln_1", "mlp_bn_3")
            cases.add(
                f"{kind}, {encoder}",
                lambda f, m=model: torch.save(m.state_dict(), f / "model.pt"),
                lambda x, m=model: m.encode(x)[1],
                one_pass=usual,
                **options,
            )


def dictionary_learning(cases: Cases) -> None:
    import dictionary_learning.dictionary as dl
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
    from dictionary_learning.trainers.top_k import AutoEncoderTopK

    models = [
        dl.AutoEncoder(D, K),
        dl.AutoEncoderNew(D, K),
        dl.GatedAutoEncoder(D, K),
        dl.JumpReluAutoEncoder(D, K),
        AutoEncoderTopK(D, K, TOP),
    ]
    models += [BatchTopKSAE(D, K, TOP), MatryoshkaBatchTopKSAE(D, K, TOP, [6, 12, K - 18])]
    for model in map(shaken, models):
        kind = type(model).__name__
        config = {
            "trainer_class": "Trainer",
            "dict_class": kind,
            "activation_dim": D,
            "dict_size": K,
            "lm_name": "m",
            "layer": 1,
            "threshold_beta": 0.999,
        }
        config |= {"k": TOP} if "TopK" in kind else {}

        def save(f: Path, m: Any = model, c: Any = config) -> None:
            torch.save(m.state_dict(), f / "ae.pt")
            (f / "config.json").write_text(json.dumps({"trainer": c}))

        cases.add(f"{kind}, with its config", save, model.encode)
        cases.add(f"{kind}, state dict alone", lambda f, m=model: torch.save(m.state_dict(), f / "ae.pt"), model.encode)


def sparsify(cases: Cases) -> None:
    from sparsify.config import SparseCoderConfig
    from sparsify.sparse_coder import SparseCoder

    for c in product(activation=("topk", "groupmax"), transcode=(False, True), skip_connection=(False, True), num_latents=(0, K)):
        model = shaken(SparseCoder(D, SparseCoderConfig(expansion_factor=K // D, k=TOP, **c)))

        def encode(x: torch.Tensor, m: Any = model) -> torch.Tensor:
            values, indices, _ = m.encode(x)
            return torch.zeros(len(x), K).scatter(1, indices, values)

        usual = c["activation"] == "topk" and not c["transcode"] and not c["skip_connection"]
        cases.add(say(c), lambda f, m=model: m.save_to_disk(f), encode, one_pass=usual)


def saev(cases: Cases) -> None:
    from saev import config, nn

    model = shaken(nn.SparseAutoencoder(config.SparseAutoencoder(d_vit=D, exp_factor=K // D)))
    cases.add("SparseAutoencoder", lambda f: nn.dump(str(f / "sae.pt"), model), lambda x: model(x)[1])


def visaebench(cases: Cases) -> None:
    """It writes no files: those of its documented layout, as its own loader takes and encodes them."""
    from safetensors.torch import save_file
    from visaebench import load_sae

    g = torch.Generator().manual_seed(0)
    weights = {name: 0.3 * torch.randn(size, generator=g) for name, size in (("w", (K, D)), ("b", (K,)), ("d", (K, D)), ("c", (D,)))}
    limits = 0.2 + 0.1 * torch.randn(K, generator=g).abs()
    simple = {"encoder.weight": weights["w"], "encoder.bias": weights["b"], "decoder.weight": weights["d"]}
    named = {"encoder.final_block.0.weight": weights["w"], "encoder.final_block.0.bias": weights["b"], "dictionary._weights": weights["d"]}
    layouts = {"simple": simple, "with bias": simple | {"decoder.bias": weights["c"]},
               "overcomplete's": named | {"dictionary.multiplier": torch.tensor(0.3)}}  # fmt: skip
    gates: dict[str, tuple[dict[str, Any], dict[str, torch.Tensor]]] = {
        "topk": ({"k": TOP}, {}),
        "batchtopk": ({"k": TOP, "threshold": 0.25}, {}),
        "batchtopk, threshold in the weights": ({"k": TOP}, {"_running_threshold": torch.tensor(0.25)}),
        "jumprelu": ({}, {"jump_thresholds": limits}),
        "jumprelu, thresholds": ({}, {"thresholds": limits}),
    }
    files = {"weights": ("sae.pt", "model.safetensors"), "config": ("config.json", "config.yaml")}
    for case in product(layout=tuple(layouts), gate=tuple(gates), **files):
        more, state = gates[case["gate"]]
        config = {"activation": case["gate"].partition(",")[0], "input_dim": D, "hidden_dim": K, "backbone": "clip_vitb16", **more}
        tensors = {name: t.clone() for name, t in {**layouts[case["layout"]], **state}.items()}
        folder = cases.folder(say(case))

        def save(f: Path, c: dict[str, Any] = case, t: dict[str, torch.Tensor] = tensors, entries: dict[str, Any] = config) -> None:
            (save_file if c["weights"].endswith("safetensors") else torch.save)(t, f / c["weights"])
            text = "".join(f"{k}: {v}\n" for k, v in entries.items()) if c["config"].endswith("yaml") else json.dumps(entries)
            (f / c["config"]).write_text(text)

        def encode(x: torch.Tensor, f: Path = folder, write: Callable[[Path], None] = save) -> torch.Tensor:
            write(f)
            return load_sae(str(f), device="cpu").encode(x)

        cases.add(say(case), save, encode)


def libraries() -> dict[str, Callable[[Cases], None]]:
    """What writes the cases of each library."""
    import sae_formats_lenses as lenses

    return {
        "sae-lens 2": lenses.second,
        "sae-lens 3": lambda c: lenses.third_to_fifth(c, ("standard", "gated", "jumprelu")),
        "sae-lens 4": lambda c: lenses.third_to_fifth(c, ("standard", "gated", "jumprelu", "topk")),
        "sae-lens 5": lambda c: lenses.third_to_fifth(c, ("standard", "gated", "jumprelu", "topk")),
        "sae-lens 6": lenses.sixth,
        "overcomplete": overcomplete,
        "dictionary_learning": dictionary_learning,
        "sparsify": sparsify,
        "saev": saev,
        "visaebench": visaebench,
    }


if __name__ == "__main__":
    sys.meta_path.append(StandIns())
    torch.manual_seed(0)
    sys.modules["sae_formats_writers"] = sys.modules["__main__"]
    libraries()[sys.argv[1]](Cases(Path(sys.argv[2])))
