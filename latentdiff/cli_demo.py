"""``latentdiff demo``: the drawn world, or photographs, compared and shown."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any

from .errors import InputError


def demo_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff demo``."""
    parser.add_argument("--no-app", action="store_true", help="print what was found and exit, without opening the App")
    parser.add_argument("--photos", action="store_true", help="photographs and real CLIP in place of drawn scenes (downloads both)")
    parser.add_argument("--scenes", type=int, default=3000, metavar="N", help="scenes to draw, a multiple of 4 (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same scenes and result (default: %(default)s)")
    parser.add_argument("--port", type=int, help="port of the App (default: FiftyOne's)")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="differences listed per side (default: %(default)s)")


def run_demo(args: argparse.Namespace) -> int:
    """Build the demo, print its comparisons, and keep the App open until it is closed."""
    from fiftyone_plugin.demo import build_demo, build_photo_demo

    from .cli_output import progress_bar

    with progress_bar() as progress:
        built = build_photo_demo(progress=progress) if args.photos else build_demo(args.scenes, args.seed, progress=progress)
    for run in built.runs:
        _print(run, args.top)
    if not args.no_app:
        _show_app(built.dataset, args.port)
    return 0


def _print(run: Any, top: int) -> None:
    from .cli_outcome import Outcome
    from .cli_output import show

    names = (run.sides["A"].name, run.sides["B"].name)
    print(f"\n{run.name}")
    show(Outcome(run.comparison, names, run.name), argparse.Namespace(json=False, tree=False, top=top))


def _show_app(dataset: Any, port: int | None) -> None:
    from fiftyone_plugin.demo import open_app
    from fiftyone_plugin.install import install_plugin

    try:
        install_plugin()
    except InputError as e:  # a copy that is there already serves as well
        print(f"latentdiff: {e}", file=sys.stderr)
    session = open_app(dataset, address="127.0.0.1", **({} if port is None else {"port": port}))
    print(f"\nDataset {dataset.name!r} is open at {session.url}")
    print(f"Ctrl-C ends it, and `fiftyone app launch {dataset.name}` opens it again.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it; everything is stored by now
        session.wait(-1)
