"""Options of ``latentdiff compare``: the method, and how the most telling images are described."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from ..describe.config import DescribeConfig, describe_by
from ..describe.server import goes_with
from ..errors import InputError
from ..methods.config import GENERATORS, PROPOSERS, RANKERS, MethodConfig, read_method
from ..methods.gsclip import FORMS
from ..methods.register import METHODS


def method_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that choose a method and its parts."""
    text = "a JSON file of all choices (latentdiff.MethodConfig); the options given beside it count more"
    parser.add_argument("--config", metavar="FILE", help=text)
    group = parser.add_argument_group(
        "baselines", "VisDiff takes its captioner and language model from --captions, --captioner, --llm-url and --llm-model below."
    )
    group.add_argument("--method", choices=tuple(METHODS), help="how to compare (default: latentdiff)")
    group.add_argument("--proposer", choices=PROPOSERS, help="visdiff: what proposes (default: caption)")
    group.add_argument("--ranker", choices=RANKERS, help="visdiff: what ranks (default: clip)")
    group.add_argument("--paper-filter", action="store_true", help="visdiff: each phrase by its own p < alpha, as in the paper")
    group.add_argument("--prompts", metavar="FILE", help="visdiff, paired-prompts: CSV with the columns path,prompt, or JSON lines")
    group.add_argument("--closed-set", metavar="FILE", help="gsclip: only these words of the bank, one a line")
    group.add_argument("--form", choices=FORMS, help="gsclip: each phrase against its negation, or all pairs of them (default: negation)")
    made = "gsclip: phrases are the words, made of them and the subject by rules, or named by the language model (default: bank)"
    group.add_argument("--generator", choices=GENERATORS, help=made)
    group.add_argument("--subject", metavar="NOUN", help="gsclip, rules and language: what all images show")


def method_config(args: argparse.Namespace) -> MethodConfig:
    """The method and its parts that the options name.

    Raises:
        InputError: options that do not fit together.
    """
    base = read_method(args.config) if args.config else MethodConfig()
    named = ("method", "proposer", "ranker", "form", "generator", "subject")
    own: dict[str, Any] = {name: getattr(args, name) for name in named if getattr(args, name) is not None}
    if args.paper_filter and own.get("method", base.method) != "visdiff":
        raise InputError("--paper-filter says how VisDiff filters: it goes with --method visdiff")
    if args.prompts and own.get("proposer", base.proposer) != "paired-prompts":
        raise InputError("--prompts is read by VisDiff's proposer paired-prompts: --method visdiff --proposer paired-prompts")
    own["describe"] = describe_config(args, base.describe)
    if args.rounds is not None and own.get("method", base.method) == "visdiff":
        own["visdiff"] = dataclasses.replace(base.visdiff, rounds=args.rounds)
    if args.paper_filter:
        own["visdiff"] = dataclasses.replace(own.get("visdiff", base.visdiff), held_out=False, corrected=False)
    if args.closed_set:
        own["closed_set"] = _lines(args.closed_set)
    return dataclasses.replace(base, **own)


def say_what_is_sent(config: MethodConfig) -> None:
    """On standard error, before anything is."""
    for what in config.sends:
        print(f"latentdiff: will send {what}", file=sys.stderr)
    for what in goes_with(config.describe.base_url if config.sends and config.describe else None):
        print(f"latentdiff: {what}", file=sys.stderr)


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
        "The key in LATENTDIFF_API_KEY goes to the address in LATENTDIFF_BASE_URL alone (that in OPENAI_API_KEY to OpenAI's own).",
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
    """The choices of captions and language model that the options make, see :func:`~latentdiff.describe.config.describe_by`."""
    return describe_by(
        captioner=args.captioner,
        captions=bool(args.captions),
        url=args.llm_url,
        model=args.llm_model,
        base=base,
        calls=args.llm_calls,
        tokens=args.llm_tokens,
        caption_prompt=args.caption_prompt,
        rounds=args.rounds,
    )


def column_arguments(parser: argparse.ArgumentParser) -> None:
    """``--id`` and ``--vector``."""
    named = "of Parquet: the column that says whose a row is (default: id, or the first of paths or of texts that are told apart)"
    parser.add_argument("--id", metavar="COLUMN", help=named)
    parser.add_argument("--vector", metavar="COLUMN", help="of Parquet: the column of the vectors (default: vector, or the only one)")


def columns_of(args: argparse.Namespace) -> dict[str, str]:
    """The columns that are named."""
    return {name: value for name, value in (("id", args.id), ("vector", args.vector)) if value}


def group_arguments(parser: argparse.ArgumentParser, more: str = "") -> None:
    """``--groups`` and ``--paired``; ``more`` ends the help of the first."""
    grouped = "what is no independent evidence: a field of the dataset (scene, video), or two files with a label a line, of A and B"
    parser.add_argument("--groups", metavar="FIELD|FILE", nargs="+", help=grouped + more)
    parser.add_argument("--paired", action="store_true", help="row i of A and row i of B are one thing seen twice")


def groups_of(args: argparse.Namespace) -> Any:
    """The field that --groups names, or its two files."""
    given = args.groups or []
    if len(given) > 2:
        raise InputError("--groups names one field of the datasets, or two files, of A's rows and of B's")
    return tuple(given) if len(given) == 2 else given[0] if given else None


def sides_of_a_table(args: argparse.Namespace) -> tuple[str, str] | None:
    """The two groups of a .csv that --groups names: one text with a comma, which is no file; None where it names something else."""
    if args.b is not None or args.sides or len(args.groups or ()) != 1 or Path(args.groups[0]).is_file():
        return None
    a, _, b = args.groups[0].partition(",")
    return (a.strip(), b.strip()) if a.strip() and b.strip() and "," not in b else None
