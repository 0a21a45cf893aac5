"""What ``latentdiff compare`` does to describe the most telling images: its options."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from .describe.config import DescribeConfig
from .errors import InputError


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
