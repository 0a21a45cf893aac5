"""``latentdiff saes``: the sparse autoencoders that comparisons keep in the cache."""

from __future__ import annotations

import argparse
import json
import time

from ..compute.cache import CAPTIONS, JUDGEMENTS, forget
from ..report.content import version_text
from ..sae.kept import PREFIX, KeptSae, find_kept, kept_saes
from .terminal import printable


def saes_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff saes``."""
    parser.add_argument("--drop", metavar="KEY", nargs="+", default=[], help="delete those with these keys, or the first digits of them")
    parser.add_argument("--drop-all", action="store_true", help="delete all, and the captions and judgements that models wrote")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_saes(args: argparse.Namespace) -> int:
    """Drop what is named, and list the rest; `latentdiff compare --sae kept:KEY` uses one that is listed."""
    dropped = kept_saes() if args.drop_all else [find_kept(key) for key in args.drop]
    for sae in dropped:
        sae.drop()
    texts = {kind: forget(kind) for kind in (CAPTIONS, JUDGEMENTS)} if args.drop_all else {}
    left = kept_saes()
    if args.json:
        print(json.dumps([_plain(sae) for sae in left]))
        return 0
    for sae in dropped:
        print(printable(f"dropped {sae.key[:8]}, {sae.name}"))
    for kind, count in texts.items():
        if count:
            print(f"dropped {count:,} {kind}")
    if not left:
        print("no sparse autoencoder is kept")
    for sae in left:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(sae.used))
        what = f"{sae.concepts:,} concepts of {sae.vectors:,} vectors ({sae.explained:.0%} explained)"
        what += f", {version_text(sae.version, sae.why)}"
        print(printable(f"{PREFIX}{sae.key[:8]}  {sae.name}: {what}; {sae.bytes / 1e6:,.1f} MB, used {used}"))
    return 0


def _plain(sae: KeptSae) -> dict[str, object]:
    names = ("key", "name", "version", "concepts", "width", "vectors", "explained", "bytes", "used", "why")
    return {name: getattr(sae, name) for name in names} | {"folder": str(sae.folder)}
