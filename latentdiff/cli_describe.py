"""What ``latentdiff compare`` does to describe the most telling images: options, and what will be sent, said before it is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from .describe.build import build_describer
from .describe.captions import read_captions
from .describe.config import DescribeConfig
from .describe.describer import Describer
from .describe.proposals import TextEncoder
from .errors import InputError


def describe_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff compare`` that turn exemplars into phrases; without any of them nothing is captioned or sent."""
    group = parser.add_argument_group(
        "describing the most telling images",
        "Nothing leaves this machine unless --llm-url names a server: captions then go to it, and images only with --captioner endpoint. "
        "The server's key is read from LATENTDIFF_API_KEY (or OPENAI_API_KEY for OpenAI's own address).",
    )
    group.add_argument("--captions", metavar="FILE", help="captions that exist: CSV with the columns path,caption, or JSON lines")
    group.add_argument(
        "--captioner",
        metavar="NAME",
        help='"vocabulary" (no model), "endpoint" (the server sees images), or a BLIP, BLIP-2, GIT or ViT-GPT2 model: its folder or hub id',
    )
    group.add_argument("--llm-url", metavar="URL", help="OpenAI-compatible server that is sent captions, such as http://localhost:8000/v1")
    group.add_argument("--llm-model", metavar="NAME", help="model of that server")


def describer_of(args: argparse.Namespace, images: tuple[Sequence[Any] | None, ...], encode_texts: TextEncoder | None) -> Describer | None:
    """The describer that the options ask for, None where they ask for none.

    Args:
        args: parsed options.
        images: per side, the file of each row; None where the rows have none.
        encode_texts: of the images' encoder, where it is known.

    Raises:
        InputError: options that do not fit together.
    """
    config = describe_config(args)
    if config is None:
        return None
    a, b = images
    if config.captioner != "vocabulary" and (a is None or b is None):
        raise InputError("captions need the images: compare folders or views, not .npy files; --captioner vocabulary needs vectors alone")
    captions = read_captions(args.captions) if args.captions else None
    files = ([os.path.abspath(i) for i in a], [os.path.abspath(i) for i in b]) if a is not None and b is not None else None
    return build_describer(config, images=files, captions=captions, encode_texts=encode_texts)


def describe_config(args: argparse.Namespace) -> DescribeConfig | None:
    """The choices that the options make, None where they make none; says on standard error what will be sent.

    Raises:
        InputError: options that do not fit together.
    """
    if not (args.captions or args.captioner or args.llm_url or args.llm_model):
        return None
    if args.captions and args.captioner:
        raise InputError("--captions are captions that exist and --captioner makes them; use one")
    named = args.captioner if args.captioner not in (None, "vocabulary", "endpoint") else None
    captioner = "given" if args.captions else "image-to-text" if named else args.captioner or "vocabulary"
    if bool(args.llm_url) != bool(args.llm_model):
        raise InputError("a language model needs both --llm-url and --llm-model")
    if captioner == "endpoint" and not args.llm_url:
        raise InputError("--captioner endpoint needs --llm-url and --llm-model")
    language = "endpoint" if args.llm_url else "statistics"
    config = DescribeConfig(captioner, named, language=language, language_model=args.llm_model, base_url=args.llm_url)
    for what in config.sends:
        print(f"latentdiff: will send {what}", file=sys.stderr)
    return config


def describe_notes(info: dict[str, Any]) -> list[str]:
    """What describing did, as sentences for people."""
    told = info.get("describe")
    if not told:
        return []
    notes = [f"describing the most telling images ended early: {told['error']}"] if "error" in told else []
    if told.get("captions_failed"):
        notes.append(f"{told['captions_failed']} images without a caption, first: {told['first_failure']}")
    if told.get("untested"):
        notes.append(f"proposed but not tested, for want of a text encoder: {', '.join(told['untested'][:5])}")
    for url, account in told.get("sent", {}).items():
        about = "about " if account["estimated"] else ""
        tokens = account["prompt_tokens"] + account["completion_tokens"]
        notes.append(f"sent to {url}: {account['calls']} requests, {account['images']} images, {about}{tokens:,} tokens")
    return notes
