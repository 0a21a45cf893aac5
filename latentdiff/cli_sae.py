"""``latentdiff sae``: what a published sparse autoencoder is, and its conversion into our own format."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from .sae.model import SparseAutoencoder


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
    from .sae.registry import REGISTRY

    known = ", ".join(REGISTRY)
    parser.add_argument("source", metavar="SOURCE", help=f"a file or folder, a public name ({known}; pach:22 names a layer), or a hub id")
    parser.add_argument("--layer", metavar="NAME", help="layer of a public SAE that has several")
    parser.add_argument("--threshold", type=float, metavar="T", help="activation threshold, where the file lacks it")
    parser.add_argument("--top-k", type=int, metavar="K", help="active concepts per image, where the file lacks it")


def _opened(args: argparse.Namespace) -> SparseAutoencoder:
    from .sae.checkpoints import load_sae

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
