"""``latentdiff sae`` and ``train-sae``: published sparse autoencoders, and one's own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..embed.filesystem import is_parquet
from ..errors import InputError
from ..sae.model import SparseAutoencoder
from .outcome import progress_bar

if TYPE_CHECKING:
    from ..sae.model import SparseAutoencoder

UNFINISHED = "unfinished-training"
"""File in the output folder that keeps the state of a stopped run."""


def train_sae_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff train-sae``."""
    parser.add_argument(
        "vectors",
        metavar="VECTORS",
        help="a .npy file (n, d), a folder of stored vectors, Parquet (file, folder, URI), a FiftyOne dataset, or dataset:saved_view",
    )
    parser.add_argument("out", metavar="FOLDER", help="folder for the SAE; the same command goes on with a stopped run")
    parser.add_argument("--embeddings", metavar="FIELD", help="vector field (needed for a dataset)")
    parser.add_argument("--trainer", choices=("batchtopk", "matryoshka"), default="batchtopk", help="default: %(default)s")
    parser.add_argument("--concepts", type=int, metavar="K", help="dictionary size (default: chosen from the vectors)")
    parser.add_argument("--active", type=int, metavar="k", help="mean number of active concepts per image (default: chosen)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same SAE (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="most optimiser steps (default: chosen)")
    parser.add_argument("--seconds", type=float, help="time budget, counted in steps of two cores")
    parser.add_argument("--validation", type=float, default=0.1, help="share of the vectors held out (default: %(default)s)")
    parser.add_argument("--no-early-stop", action="store_true", help="make all steps, whatever they bring")
    parser.add_argument("--device", help="torch device (default: CUDA where there is one, else the CPU)")
    parser.add_argument("--skip-bad", action="store_true", help="leave out vectors with NaN or infinite values")
    parser.add_argument("--overwrite", action="store_true", help="replace the SAE in the folder")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run_train_sae(args: argparse.Namespace) -> int:
    """Train, save, and say how good it is."""
    folder = Path(args.out).expanduser()
    if (folder / "config.json").exists() and not args.overwrite:
        raise InputError(f"{folder} already holds an SAE; pass --overwrite or another folder")
    options: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("trainer", "concepts", "active", "seed", "steps", "seconds", "validation", "device", "skip_bad")
    }
    options |= {"early_stop": not args.no_early_stop, "resume": folder / UNFINISHED}
    with progress_bar() as progress:
        sae = _train(args, {**options, "progress": progress})
    sae.save(folder)
    _print(sae, folder, args.json)
    return 0


def _train(args: argparse.Namespace, options: dict[str, Any]) -> SparseAutoencoder:
    from ..sae.training import train_sae

    path = Path(args.vectors).expanduser()
    if path.suffix == ".npy" or (path / "manifest.json").exists() or is_parquet(args.vectors):
        if args.embeddings:
            raise InputError("--embeddings is for datasets; files and folders hold vectors themselves")
        return train_sae(args.vectors, **options)
    if path.exists():
        raise InputError(f"{path} is no .npy file, no folder of stored vectors, and no Parquet")
    if not args.embeddings:
        raise InputError(f"{args.vectors!r} is no file; if it is a dataset, name its vector field: --embeddings FIELD")
    import fiftyone_plugin
    from fiftyone_plugin.store.targets import as_dataset, split_name

    name, view = split_name(args.vectors)
    dataset = as_dataset(name)
    return fiftyone_plugin.train_sae(dataset, args.embeddings, view=view or None, **options)


def _print(sae: SparseAutoencoder, folder: Path, as_json: bool) -> None:
    report = {"folder": str(folder), **sae.info["training"]}
    if as_json:
        print(json.dumps(report))
        return
    where = "held-out vectors" if report["held_out"] else "its own vectors"
    print(f"{sae.concepts:,} concepts from {report['vectors']:,} vectors of width {sae.width}, {report['steps']:,} steps: {folder}")
    if report["left_out"]:
        print(f"{report['left_out']:,} vectors left out: missing, not finite or all zero")
    print(
        f"explains {report['explained_variance']:.1%} of the variance of {where} with {report['mean_active']:.1f} concepts per image; "
        f"{report['dead']:,} concepts never fire"
    )


def sae_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff sae info`` and ``latentdiff sae convert``."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    what = "Say which format it is and what it takes."
    info = actions.add_parser("info", help=what, description=what)
    _source(info)
    info.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")
    info.set_defaults(action=_info)
    convert = actions.add_parser("convert", help="Write it in our own format.", description="Write a published SAE in our own format.")
    _source(convert)
    convert.add_argument("folder", metavar="FOLDER", help="where config.json and sae.safetensors are written")
    convert.add_argument("--overwrite", action="store_true", help="replace an SAE in FOLDER")
    convert.set_defaults(action=_convert)


def run_sae(args: argparse.Namespace) -> int:
    """Run the chosen action."""
    return args.action(args)


def _source(parser: argparse.ArgumentParser) -> None:
    from ..sae.public import REGISTRY

    known = ", ".join(REGISTRY)
    parser.add_argument("source", metavar="SOURCE", help=f"a file or folder, a public name ({known}; pach:22 names a layer), or a hub id")
    parser.add_argument("--layer", metavar="NAME", help="layer of a public SAE that has several")
    parser.add_argument("--threshold", type=float, metavar="T", help="activation threshold, where the file lacks it")
    parser.add_argument("--top-k", type=int, metavar="K", help="active concepts per image, where the file lacks it")


def _opened(args: argparse.Namespace) -> SparseAutoencoder:
    from ..sae.loading import load_sae

    return load_sae(args.source, layer=args.layer, threshold=args.threshold, top_k=args.top_k)


def _info(args: argparse.Namespace) -> int:
    facts = _facts(_opened(args))
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        for name, value in facts.items():
            print(f"{name.replace('_', ' '):<16} {_words(value)}")
    return 0


def _convert(args: argparse.Namespace) -> int:
    folder = Path(args.folder).expanduser()
    if (folder / "config.json").exists() and not args.overwrite:
        raise InputError(f"{folder} already holds a config.json; pass --overwrite or another folder")
    sae = _opened(args)
    sae.save(folder)
    print(f"{sae.info['format']}: {sae.concepts:,} concepts of width {sae.width} written to {folder}")
    return 0


def _facts(sae: SparseAutoencoder) -> dict[str, Any]:
    gate = f"the {sae.top_k} largest per image" if sae.top_k else "above the threshold"
    low, high = float(sae.threshold.min()), float(sae.threshold.max())
    return {
        "format": sae.info.get("format"),
        "width": sae.width,
        "concepts": sae.concepts,
        "active": gate,
        "threshold": low if low == high else [low, high],
        "normalise": sae.normalise,
        "groups": list(sae.groups) if sae.groups else None,
        "monosemanticity": sae.monosemanticity is not None,
        "encoder": sae.info.get("encoder"),
        "origin": sae.info.get("origin"),
        "training": sae.info.get("training"),
    }


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_words(v)}" for k, v in value.items() if v not in ({}, None)) or "not recorded"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " to ".join(f"{v:g}" for v in value) if value and isinstance(value[0], float) else ", ".join(map(str, value))
    return "not recorded" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
