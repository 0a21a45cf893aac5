"""``python -m tools.states``: see the package."""

from __future__ import annotations

import argparse
import tempfile
import traceback
from pathlib import Path

import tests.conftest  # noqa: F401  # a FiftyOne and a database of its own, before FiftyOne is imported
from tests.browser.panel_app import App
from tests.browser.scenes import build
from tests.browser.served import FLAGS, chromium, save_workspace, serve

from . import forms, many, outcomes, panel, photos
from .stage import Stage


def main() -> None:
    """Walk the states that are asked for; one that fails is told, and the next is tried."""
    from playwright.sync_api import sync_playwright

    asked = argparse.ArgumentParser(prog="python -m tools.states", description=__doc__)
    asked.add_argument("folder", type=Path, nargs="?", default=Path("test-output/states"), help="where the pictures go")
    asked.add_argument("--only", nargs="+", default=[], metavar="NAME", help="states (default: all)")
    asked.add_argument("--list", action="store_true", help="print their names")
    args = asked.parse_args()
    known = {**panel.STATES, **outcomes.STATES, **many.STATES, **forms.STATES}
    states = {name: state for name, state in known.items() if not args.only or name in args.only}
    if args.list:
        print("\n".join(f"{name}: {state.__doc__}" for name, state in states.items()))
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        scenes = build(photos.DATA.parent, Path(scratch))
        if states.keys() & {*panel.STATES, *outcomes.STATES}:
            photos.add_more(scenes)
        if states.keys() - panel.STATES.keys():
            many.build(scenes)
        save_workspace(scenes.dataset)
        datasets = {"empty": photos.bare(5, vectors=False), "bare": photos.bare(60, vectors=True)}
        datasets["drawn"] = photos.drawn_scenes(Path(scratch))
        with serve(scenes.dataset) as (address, session):
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS.split())
            app = App(browser, address, args.folder)
            stage = Stage(app, session, scenes, args.folder, datasets)
            for name, state in states.items():
                try:
                    state(stage)
                    stage.take(name)
                    stage.leave()
                    print("taken:", name, flush=True)
                except Exception:
                    app.page.screenshot(path=args.folder / f"failed_{name}.png")
                    print("failed:", name, traceback.format_exc(), flush=True)
            browser.close()
        (args.folder / "noted.txt").write_text("\n".join(stage.noted), encoding="utf8")


if __name__ == "__main__":
    main()
