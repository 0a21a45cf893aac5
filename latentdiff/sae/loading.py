"""The one door to sparse autoencoders: our folders, published files of any known format, public names, and hub repositories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError, InputError, LatentDiffError
from .compatibility import check_encoder, encoder_name
from .formats.archives import read_config, read_file
from .formats.checkpoint import Checkpoint, Options
from .formats.known import PICKLES, WEIGHTS, Format, Found, find_configs, find_weights, formats_of
from .hub import fetch, revision_of
from .kept import PREFIX, find_kept
from .model import FORMAT, TRAINED_ON, SparseAutoencoder
from .public import REGISTRY, PublicSAE, find

OWN_FORMATS = (FORMAT, "latentdiff-sae-1")

__all__ = ["check_encoder", "load_sae"]


def load_sae(
    source: str | os.PathLike, *, layer: str | None = None, threshold: float | None = None, top_k: int | None = None
) -> SparseAutoencoder:
    """Read a sparse autoencoder, whatever format it was published in. No code of a file is ever run.

    Reads our own folders and the formats of docs/sae-formats.md: dictionary_learning (all of Pach et al.), MSAE (Zaigrajew et al.),
    SAELens, ViT-Prisma, overcomplete, VisAEBench, sparsify, saev and bartbussmann's repositories. ``info["format"]`` says which it was.
    A file is read on the evidence in it, and refused where a tensor or a config entry may change its codes and is not understood.

    Args:
        source: a folder or file; a public name ("pach", "pach:22", "msae"); "kept:" and a key of :func:`kept_saes`; or a hub id
            ``owner/repository[/folder or file]``.
        layer: of a public name with several; None takes its first (``post_projection`` where there is one).
        threshold: activation threshold, >= 0, where the file lacks it; never instead of the file's.
        top_k: active concepts per row, >= 1, where the file lacks it; never instead of the file's.

    Returns:
        The SAE; ``info["encoder"]`` holds what is known of its encoder, ``info["origin"]`` the published config.

    Raises:
        CheckpointError: a file is missing, damaged, of no known format, contradicts itself, or would run code; or the hub is out of reach.
        InputError: options out of range, or a public name without that layer.
    """
    if threshold is not None and not 0 <= threshold < float("inf"):
        raise InputError(f"threshold must be a number >= 0, not {threshold!r}")
    if top_k is not None and (type(top_k) is not int or top_k < 1):
        raise InputError(f"top_k must be a whole number >= 1, not {top_k!r}")
    name = os.fspath(source)
    if name.startswith(PREFIX) and not Path(name).exists():
        name = str(find_kept(name).folder)
    public = None if Path(name).exists() else find(name, layer)
    if layer is not None and public is None:
        raise InputError(f"layer is for public SAEs ({', '.join(REGISTRY)}); {name!r} is none: name the folder of the layer itself")
    path = _local(name, public)
    try:
        sae = _read(path, Options(threshold, top_k))
    except LatentDiffError:
        raise
    except (Exception, MemoryError) as e:  # whatever a hostile file provokes below is the file's fault, and says so
        raise CheckpointError(f"{path} does not hold a readable SAE: {type(e).__name__}: {str(e)[:300]}") from e
    if threshold is not None and not np.allclose(sae.threshold, threshold, rtol=1e-5):
        raise InputError(f"threshold does not apply: {path} is a {sae.info['format']}, which has its own gate; leave it out")
    if top_k is not None and sae.top_k != top_k:
        raise InputError(f"top_k does not apply: {path} is a {sae.info['format']} (its own: {sae.top_k}); leave it out")
    revision = revision_of(path)
    if revision is not None:
        sae.info["origin"] = {**sae.info.get("origin", {}), "revision": revision}
    if public is not None:
        _check_public(sae, public, path)
        sae.info["encoder"] = {"model": public.encoder, "layer": public.layer}
        sae.info["origin"] = {**sae.info.get("origin", {}), "name": name, "repository": public.repository, "paper": public.paper}
    return sae


def _local(name: str, public: PublicSAE | None) -> Path:
    """Where the files lie, fetched from the hub if need be."""
    path = Path(name).expanduser()
    if public is not None:
        return fetch(public.repository, public.patterns, name)
    if path.exists():
        return path
    owner, _, rest = name.partition("/")
    repository, *inside = rest.split("/")
    local = name.startswith((".", "/", "~")) or Path(owner).exists() or repository.endswith((*WEIGHTS, *PICKLES))
    if local or not owner or not repository:
        raise CheckpointError(
            f"{name!r} is no file or folder that holds an SAE, and no public SAE either; these are known by name: {', '.join(REGISTRY)}"
        )
    return fetch(f"{owner}/{repository}", ("/".join(inside),) if inside else ("",), name)


def _read(path: Path, options: Options) -> SparseAutoencoder:
    configs: dict[str, dict[str, Any]] = {}
    for file in find_configs(path):
        config = read_config(file)
        if path.is_dir() and str(config.get("format", "")).startswith("latentdiff"):
            return _own(path, config)
        configs[os.path.relpath(file, path if path.is_dir() else path.parent)] = config
    weights = find_weights(path)
    refusals = []
    for form, found in formats_of(weights, read_file(weights), configs):
        try:
            return _published(weights, form, found, options)
        except CheckpointError as e:
            refusals.append((found.named, e))
    if len(refusals) == 1:
        raise refusals[0][1]
    raise CheckpointError(". ".join(f"With {named}: {e}" for named, e in refusals))


def _published(weights: Path, known: Format, found: Found, options: Options) -> SparseAutoencoder:
    """An SAE of one format with one config.

    Raises:
        CheckpointError: it is not as the format has it, or holds or says more than its reader knows.
    """
    checkpoint = Checkpoint(weights, found.tensors, dict(found.config), options, beside=found.beside)
    with np.errstate(all="ignore"):  # what overflows becomes NaN or infinite, and is refused as such below
        parts = known.read(checkpoint)
    form = parts.pop("format")
    checkpoint.settle(form, known.idle, known.idle_entries)
    origin = {"format": form, "file": weights.name, "config": _summary(found.config)}
    if found.named:
        origin["config_file"] = found.named
    info: dict[str, Any] = {"format": form, "origin": origin}
    encoder = _encoder(found.config)
    return SparseAutoencoder(**parts, info={**info, "encoder": encoder} if encoder else info)


def _own(folder: Path, config: dict[str, Any]) -> SparseAutoencoder:
    if config["format"] not in OWN_FORMATS:
        raise CheckpointError(f"{folder} has format {config['format']!r}; this version reads {', '.join(OWN_FORMATS)}. Update latentdiff.")
    if not isinstance(config.get("info"), dict):
        raise CheckpointError(f"{folder}: config.json has no info; it does not hold a saved SAE")
    tensors = read_file(folder / "sae.safetensors")
    unknown = set(tensors) - {"w_enc", "b_enc", "w_dec", "b_dec", "threshold", "monosemanticity"}
    missing = {"w_enc", "b_enc", "w_dec", "b_dec", "threshold"} - set(tensors)
    if unknown or missing:
        raise CheckpointError(f"{folder} does not hold a saved SAE: tensors missing {sorted(missing)}, not known {sorted(unknown)}")
    own = {"top_k": config.get("top_k"), "normalise": config.get("normalise", "none"), "groups": config.get("groups")}
    keys = _trained_on(folder / TRAINED_ON)
    sae = SparseAutoencoder(**tensors, **own, info={**config["info"], "format": config["format"]}, trained_on=keys)
    if (sae.width, sae.concepts) != (config.get("width"), config.get("concepts")):
        raise CheckpointError(f"{folder}: config.json and sae.safetensors disagree on width or concepts")
    return sae


def _trained_on(path: Path) -> np.ndarray | None:
    """Keys of the vectors that an SAE was trained on; None where they do not lie there.

    Raises:
        CheckpointError: what lies there is none of ours.
    """
    try:
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))  # mapped: no memory for more than the file holds
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as e:
        raise CheckpointError(f"{path} is damaged ({e}); delete it: the SAE then only forgets what it was trained on") from e


def _check_public(sae: SparseAutoencoder, public: PublicSAE, path: Path) -> None:
    if (sae.width, sae.concepts) != (public.width, public.concepts):
        raise CheckpointError(
            f"{path} has width {sae.width} and {sae.concepts} concepts; {public.repository} is known to have {public.width} and "
            f"{public.concepts} ({public.layer} of {public.encoder}): another file lies there"
        )


_SAID = ("dict_class", "lm_name", "layer", "submodule_name", "steps", "seed", "k", "architecture", "model_name", "hook_name", "hook_point",
         "hook_point_layer", "layer_subtype", "normalize_activations", "activation_fn_str", "dataset_path", "sae_lens_version")  # fmt: skip


def _summary(config: dict[str, Any]) -> dict[str, Any]:
    """The entries of a published config that say what the SAE is, as plain short values."""
    levels = [config, *(config[key] for key in ("trainer", "metadata", "meta") if isinstance(config.get(key), dict))]
    merged = {k: v for level in levels for k, v in level.items()}
    return {k: merged[k] for k in _SAID if isinstance(merged.get(k), (str, int, float, bool)) and len(str(merged[k])) <= 200}


def _encoder(config: dict[str, Any]) -> dict[str, str]:
    """What a published config says of its encoder: model and layer, in the words of fingerprints."""
    said = _summary(config)
    model = str(said.get("model_name") or said.get("lm_name") or "")
    if "hook_point_layer" in said and "layer_subtype" in said:
        layer = f"blocks.{said['hook_point_layer']}.{said['layer_subtype']}"
    else:
        layer = str(said.get("hook_name") or said.get("hook_point") or said.get("submodule_name") or "")
    model = encoder_name(model) if model else ""
    return {key: value for key, value in (("model", model), ("layer", layer)) if value}
