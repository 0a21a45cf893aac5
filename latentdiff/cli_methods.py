"""``latentdiff compare``: which method, with which parts, from a config file and the options beside it."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from .cli_describe import describe_config
from .describe.captions import read_captions
from .errors import InputError
from .method_config import METHODS, PROPOSERS, RANKERS, MethodConfig, read_method


def method_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that choose a method and its parts."""
    text = "a JSON file of all choices (latentdiff.MethodConfig); the options given beside it count more"
    parser.add_argument("--config", metavar="FILE", help=text)
    group = parser.add_argument_group(
        "baselines", "VisDiff takes its captioner and language model from --captions, --captioner, --llm-url and --llm-model below."
    )
    group.add_argument("--method", choices=METHODS, help="how to compare (default: latentdiff)")
    group.add_argument("--proposer", choices=PROPOSERS, help="visdiff: what proposes (default: caption)")
    group.add_argument("--ranker", choices=RANKERS, help="visdiff: what ranks (default: clip)")
    group.add_argument("--paper-filter", action="store_true", help="visdiff: each phrase by its own p < alpha, as in the paper")
    group.add_argument("--prompts", metavar="FILE", help="visdiff, paired-prompts: CSV with the columns path,prompt, or JSON lines")
    group.add_argument("--closed-set", metavar="FILE", help="gsclip: only these words of the bank, one a line")


def method_config(args: argparse.Namespace) -> MethodConfig:
    """Every choice that the options make.

    Raises:
        InputError: options that do not fit together.
    """
    base = read_method(args.config) if args.config else MethodConfig()
    method = args.method or base.method
    if args.sae and method != "latentdiff":
        raise InputError(f"--sae is for LatentDiff; --method {method} has no sparse autoencoder")
    if args.sae and args.sae_trainer:
        raise InputError("--sae-trainer is for the SAE that is trained where --sae names none; leave one of them out")
    _check_server(args, base, method)
    compare = {name: getattr(args, name) for name in ("alpha", "seed", "sae_trainer") if getattr(args, name) is not None}
    own: dict[str, Any] = {name: getattr(args, name) for name in ("method", "proposer", "ranker") if getattr(args, name) is not None}
    own["describe"] = describe_config(args, base.describe)
    own["compare"] = dataclasses.replace(base.compare, skip_bad=args.skip_bad or base.compare.skip_bad, **compare)
    if args.rounds is not None and method == "visdiff":
        own["visdiff"] = dataclasses.replace(base.visdiff, rounds=args.rounds)
    if args.paper_filter:
        own["visdiff"] = dataclasses.replace(own.get("visdiff", base.visdiff), held_out=False, corrected=False)
    if args.closed_set:
        own["closed_set"] = _lines(args.closed_set)
    return dataclasses.replace(base, **own)


def _check_server(args: argparse.Namespace, base: MethodConfig, method: str) -> None:
    """Say by the options' names what a config would say by its own."""
    if method != "visdiff":
        return
    proposer, ranker, describe = args.proposer or base.proposer, args.ranker or base.ranker, base.describe
    server = (args.llm_url and args.llm_model) or (describe and describe.base_url and describe.language_model)
    if not server and (proposer in ("grid", "paired-prompts") or ranker != "clip"):
        raise InputError("this proposer or ranker asks a model on a server: --llm-url URL --llm-model NAME")
    if proposer == "feature" and not args.captioner and (describe is None or describe.captioner != "image-to-text"):
        raise InputError("the feature proposer needs a BLIP-2 model: --captioner FOLDER")
    if proposer == "paired-prompts" and not args.prompts:
        raise InputError("paired-prompts needs the prompts from which the images were generated: --prompts FILE")


def say_what_is_sent(config: MethodConfig) -> None:
    """On standard error, before anything is."""
    for what in config.sends:
        print(f"latentdiff: will send {what}", file=sys.stderr)


def texts_of(args: argparse.Namespace, config: MethodConfig, named: bool) -> dict[str, Any]:
    """``captions`` and ``prompts`` for :func:`latentdiff.compare_by`, by absolute path.

    Args:
        args: of ``compare``.
        config: what they chose.
        named: whether the rows are images with names, or vectors alone.

    Raises:
        InputError: files that cannot be read, or captions and prompts without images.
    """
    reads = config.describe is not None and config.describe.captioner != "vocabulary"
    if not named and (reads or args.prompts):
        raise InputError("captions need the images: compare folders or views, not .npy files; --captioner vocabulary needs vectors alone")
    captions = read_captions(args.captions) if args.captions else None
    prompts = {k: " ".join(v) for k, v in read_captions(args.prompts, "prompt").items()} if args.prompts else None
    return {"captions": captions, "prompts": prompts}


def _lines(path: str) -> tuple[str, ...]:
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"the closed set {path} cannot be read as UTF-8 text: {e}") from e
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
