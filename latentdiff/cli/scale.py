"""``latentdiff embed``, ``plan``, and comparisons of Parquet: what is larger than memory."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..embed.filesystem import is_parquet
from ..errors import InputError
from ..inputs.folders import image_files
from ..scale.engine import Engine
from ..scale.machine import Machine, measure
from ..scale.plan import FLOPS_AN_IMAGE, Plan, check, plan
from .outcome import progress_bar
from .terminal import console, table


def engine_arguments(parser: argparse.ArgumentParser, exchange: bool = False) -> None:
    """``--engine``, ``--address`` and ``--exchange``."""
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="where it runs (default: %(default)s)")
    where = "with --engine ray: a running cluster (auto, host:6379, ray://host:10001); default: a new one here"
    parser.add_argument("--address", metavar="ADDR", help=where)
    if exchange:
        where = "with --engine ray and views: folder or URI that all machines of the cluster can read; default: a temporary folder here"
        parser.add_argument("--exchange", metavar="FOLDER", help=where)


def embed_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff embed``."""
    parser.add_argument("images", metavar="IMAGES", help="a folder of images, or Parquet (file, folder, URI) with a column bytes or path")
    where = "folder or URI for the Parquet shards of vectors; the same command goes on with a stopped run"
    parser.add_argument("out", metavar="OUT", help=where)
    parser.add_argument("--encoder", metavar="NAME", required=True, help="encoder, as load_encoder takes it")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument("--float32", action="store_true", help="write float32 vectors (default: float16)")
    like = "Parquet of vectors to compare these with: deep pictures are drawn with the same range"
    parser.add_argument("--like", metavar="PARQUET", help=like)
    engine_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_embed(args: argparse.Namespace) -> int:
    """Embed, and say how many images there are now."""
    from ..scale import parquet as scale

    source = args.images if is_parquet(args.images) else [str(p) for p in image_files(args.images)]
    with progress_bar() as progress:
        done = scale.embed(
            source,
            args.out,
            args.encoder,
            args.pretrained,
            engine=Engine(args.engine, args.address),
            vector_dtype="float32" if args.float32 else "float16",
            like=args.like,
            progress=progress,
        )
    if args.json:
        print(json.dumps({"images": done.rows, "failed": done.failed, "shards": done.shards, "shards_kept": done.kept}))
    else:
        print(f"{done.rows:,} images in {done.shards} shards ({done.kept} were there already), {done.failed} cannot be read")
    return 0


def plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff plan``."""
    parser.add_argument("--images", type=_count, nargs="+", metavar="N", help="images of both sides together (100000, 1e6, 100M, 1B)")
    parser.add_argument("--width", type=int, default=768, metavar="D", help="length of a vector (default: %(default)s)")
    parser.add_argument("--concepts", type=int, default=8192, metavar="K", help="size of the dictionary (default: %(default)s)")
    parser.add_argument("--active", type=int, default=20, metavar="k", help="active concepts an image (default: %(default)s)")
    parser.add_argument("--encoder", metavar="NAME", help=f"embed the images too: {', '.join(FLOPS_AN_IMAGE)}")
    parser.add_argument("--images-per-second", type=float, metavar="R", help="of the encoder on one machine, where you measured it")
    parser.add_argument("--machines", type=int, default=1, metavar="M", help="equal machines of a cluster (default: %(default)s)")
    parser.add_argument("--machine", metavar="JSON", help="speed of another machine, as --json prints it; default: this one, measured now")
    parser.add_argument("--check", metavar="FILE", help="hold the plan against measured runs: benchmarks/results/scale.json")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_plan(args: argparse.Namespace) -> int:
    """Measure, plan, and print."""
    if args.check:
        _print_check(args.check, args.json)
        return 0
    if not args.images:
        raise InputError("how many images? --images N")
    machine = _machine(args.machine) if args.machine else measure()
    options = {"machine": machine, "machines": args.machines, "encoder": args.encoder, "images_per_second": args.images_per_second}
    plans = [plan(n, args.width, args.concepts, active=args.active, **options) for n in args.images]
    if args.json:
        print(json.dumps([p.to_dict() for p in plans] if len(plans) > 1 else plans[0].to_dict()))
    else:
        _print(plans)
    return 0


def _count(text: str) -> int:
    scale = {"k": 1e3, "m": 1e6, "b": 1e9}.get(text[-1:].lower(), 1.0)
    try:
        return int(float(text.rstrip("kKmMbB").replace(",", "")) * scale)
    except (ValueError, OverflowError) as e:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of images; write 100000, 1e6, 100M or 1B") from e


def _machine(text: str) -> Machine:
    try:
        given = json.loads(text)
        return Machine(**given.get("machine", given))
    except (ValueError, TypeError, AttributeError) as e:
        raise InputError(f"--machine is JSON with cores, float32_gflops, bf16_gflops and memory_gb_per_s: {e}") from e


def _print(plans: list[Plan]) -> None:
    first, out = plans[0], console()
    m = first.machine
    speed = f"{m.float32_gflops:,.0f} Gflop/s float32, {m.bf16_gflops:,.0f} bf16, {m.memory_gb_per_s:.1f} GB/s of memory"
    out.print(f"{first.machines} x {m.cores} cores: {speed}; width {first.width}, {first.concepts:,} concepts")
    for p in plans:
        drawn = table((f"{p.images:,} images", "time", "memory GB", "disk GB"), right=range(1, 4))
        for s in p.stages:
            drawn.add_row(s.name, duration(s.seconds), f"{s.memory_gb:,.1f}", f"{s.disk_gb:,.1f}" if s.disk_gb else "")
        drawn.add_row("all", duration(p.seconds), f"{p.memory_gb:,.1f}", f"{p.disk_gb:,.1f}" if p.disk_gb else "", style="bold")
        out.print(drawn)
    out.print("Assumed: " + "; ".join(first.assumptions) + ".")


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min", "2.5 h", "12 days"."""
    for limit, unit, digits in ((9.95, 1, 1), (120, 1, 0), (7200, 60, 0), (172800, 3600, 1)):
        if seconds < limit:
            return f"{seconds / unit:.{digits}f} {({1: 's', 60: 'min', 3600: 'h'})[unit]}"
    return f"{seconds / 86400:.1f} days"


def _print_check(path: str, as_json: bool) -> None:
    try:
        rows = check(json.loads(Path(path).read_text(encoding="utf8")))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as e:
        raise InputError(f"{path} does not hold runs of benchmarks/scale.py: {e}") from e
    if as_json:
        print(json.dumps(rows))
        return
    headers = ("images", "concepts", "measured s", "planned s", "planned/measured", "measured GB", "planned GB")
    drawn = table(headers, right=range(len(headers)))
    for r in rows:
        numbers = f"{r['seconds']:.1f}", f"{r['planned_seconds']:.1f}", f"{r['planned_over_measured']:.2f}"
        drawn.add_row(f"{r['rows']:,}", f"{r['concepts']:,}", *numbers, f"{r['memory_gb']:.2f}", f"{r['planned_memory_gb']:.2f}")
    console().print(drawn)
