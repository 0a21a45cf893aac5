"""``latentdiff ui``, ``demo`` and ``install-plugin``: what opens an app or prepares one."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from ..errors import InputError

PASSWORD = "LATENTDIFF_PASSWORD"


def ui_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff ui``."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; any other than loopback needs a password (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=7860, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--user", default="latentdiff", help="name to log in with, where there is a password (default: %(default)s)")
    # Not on the command line: every user of the machine can read that in the list of processes.
    parser.add_argument("--password", action="store_true", help=f"ask for a password to protect the page with (or set {PASSWORD})")
    parser.add_argument("--password-file", metavar="FILE", help="read the password from the first line of a file")
    parser.add_argument(
        "--encoder", default="fast", metavar="NAME", help="encoder of images, as load_encoder takes it (default: %(default)s)"
    )
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument(
        "--sae", metavar="FOLDER", help="a sparse autoencoder of that encoder; without it one is trained on the images compared"
    )
    server = "OpenAI-compatible server that the page may send captions to (images with the captioner on a server)"
    parser.add_argument("--llm-url", default="", metavar="URL", help=server)
    parser.add_argument("--llm-model", default="", metavar="NAME", help="model of that server")
    root = "folder that may be read; can be repeated (default: home and working folder, and none off loopback)"
    parser.add_argument("--root", action="append", metavar="FOLDER", help=root)
    parser.add_argument(
        "--max-upload", type=int, default=2000, metavar="MB", help="largest zip file that may be uploaded (default: %(default)s)"
    )
    parser.add_argument("--write", action="store_true", help="let comparisons of datasets be stored in them off loopback, too")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def run_ui(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C.

    Raises:
        InputError: another host than loopback without a password, or settings that cannot be used.
    """
    from fiftyone_plugin.panels.page.serve import serve
    from fiftyone_plugin.panels.page.settings import PageSettings

    settings = PageSettings(
        host=args.host,
        port=args.port,
        user=args.user,
        password=_password(args),
        encoder=args.encoder,
        pretrained=args.pretrained,
        sae=args.sae,
        llm_url=args.llm_url,
        llm_model=args.llm_model,
        roots=None if args.root is None else tuple(Path(root) for root in args.root),
        max_upload=args.max_upload * 1_000_000,
        write=True if args.write else None,
    )
    page = serve(settings, open_browser=not args.no_browser)
    print(f"LatentDiff is open at {page.url}")
    print("Ctrl-C ends it; uploads are removed then.", flush=True)
    try:
        page.wait()
    except KeyboardInterrupt:
        pass
    finally:
        page.close()
    return 0


def _password(args: argparse.Namespace) -> str | None:
    if args.password_file:
        try:
            lines = Path(args.password_file).expanduser().read_text(encoding="utf8").splitlines()
        except (OSError, UnicodeDecodeError) as e:
            raise InputError(f"the password file {args.password_file} cannot be read: {e}") from e
        return lines[0].strip() if lines else ""
    if args.password:
        import getpass

        return getpass.getpass("Password of the page: ")
    return os.environ.get(PASSWORD)


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

    from .outcome import progress_bar

    with progress_bar() as progress:
        built = build_photo_demo(progress=progress) if args.photos else build_demo(args.scenes, args.seed, progress=progress)
    for run in built.runs:
        _print(run, args.top)
    if not args.no_app:
        _show_app(built.dataset, args.port)
    return 0


def _print(run: Any, top: int) -> None:
    from .outcome import Outcome, show

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


def install_plugin_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run_install_plugin(args: argparse.Namespace) -> int:
    """Link the plugin, and say where."""
    from fiftyone_plugin.install import install_plugin

    print(install_plugin())
    return 0
