"""Options of ``latentdiff compare``: the method, and how the most telling images are described."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from ..describe.captions import read_captions
from ..describe.config import DescribeConfig
from ..errors import InputError
from ..methods.config import METHODS, PROPOSERS, RANKERS, MethodConfig, read_method


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
    """``captions`` and ``prompts`` for :func:`latentdiff.compare_with`, by absolute path.

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


def describe_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff compare`` that turn exemplars into phrases; without any of them nothing is captioned or sent."""
    group = parser.add_argument_group(
        "describing the most telling images",
        "Nothing leaves this machine unless --llm-url names a server: captions then go to it, and images only with --captioner endpoint "
        "or with VisDiff's grid and image-vqa. What will be sent is said before. "
        "The server's key is read from LATENTDIFF_API_KEY (or OPENAI_API_KEY for OpenAI's own address).",
    )
    group.add_argument("--captions", metavar="FILE", help="captions that exist: CSV with the columns path,caption, or JSON lines")
    group.add_argument(
        "--captioner",
        metavar="NAME",
        help='"vocabulary" (no model), "endpoint" (the server sees images), or a BLIP, BLIP-2, GIT or ViT-GPT2 model: its folder or hub id',
    )
    group.add_argument("--caption-prompt", metavar="TEXT", help="what the captioner is asked of each image")
    group.add_argument("--llm-url", metavar="URL", help="OpenAI-compatible server that is sent captions, such as http://localhost:8000/v1")
    group.add_argument("--llm-model", metavar="NAME", help="model of that server")
    group.add_argument("--llm-calls", type=int, metavar="N", help="requests to it at most (default: 500)")
    group.add_argument("--llm-tokens", type=int, metavar="N", help="tokens of prompts and answers at most (default: 1,000,000)")
    group.add_argument("--rounds", type=int, metavar="N", help="rounds of proposals, each from images of its own (default: 1, visdiff 3)")


def describe_config(args: argparse.Namespace, base: DescribeConfig | None = None) -> DescribeConfig | None:
    """The choices that the options make.

    Args:
        args: parsed options.
        base: choices that the options add to.

    Returns:
        None where neither makes any.

    Raises:
        InputError: options that do not fit together.
    """
    if args.captions and args.captioner:
        raise InputError("--captions are captions that exist and --captioner makes them; use one")
    own: dict[str, Any] = {}
    if args.captions or args.captioner:
        named = args.captioner if args.captioner not in (None, "vocabulary", "endpoint") else None
        own = {"captioner": "given" if args.captions else "image-to-text" if named else args.captioner, "captioner_model": named}
    url, model = args.llm_url or (base and base.base_url), args.llm_model or (base and base.language_model)
    if (args.llm_url or args.llm_model) and not (url and model):
        raise InputError("a language model needs both --llm-url and --llm-model")
    if own.get("captioner") == "endpoint" and not url:
        raise InputError("--captioner endpoint needs --llm-url and --llm-model")
    if args.llm_url or args.llm_model:
        own |= {"language": "endpoint", "language_model": model, "base_url": url}
    if not own and base is None:
        return None  # nor do a budget or rounds alone ask for captions
    more = {"calls": args.llm_calls, "tokens": args.llm_tokens, "caption_prompt": args.caption_prompt, "rounds": args.rounds}
    return dataclasses.replace(base or DescribeConfig(), **own, **{k: v for k, v in more.items() if v is not None})
