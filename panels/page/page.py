"""The Gradio page: name two sets of images, watch, read what differs, take the report along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentdiff.errors import Cancelled, InputError, LatentDiffError, sentence
from latentdiff.progress import First, Progress, part

from .asked import FOLDERS, TABLE, ZIPS, Asked
from .cards import FORMATS, SLOTS, message_html, progress_html, result
from .clients import visitor
from .inputs import options, sources
from .sessions import Session, Sessions
from .settings import PageSettings
from .work import Answer, answer

INTRODUCTION = (
    "# How do two sets of images differ?\n"
    "Name two sets. You get phrases that are more true of one than of the other, each tested, with the images that show it best."
)
FORMAT_NAMES = {"html": "Report (web page)", "md": "Markdown", "csv": "Table (CSV)", "json": "JSON"}

OPENED = """(before) => {
  const other = before !== "%(tab)s" ? {visible: false} : {};
  return ["%(tab)s", {__type__: "update", ...other}, {__type__: "update", ...(before !== "%(tab)s" ? {value: ""} : {})}];
}"""
"""What the browser does when a tab is opened: it says which; and where it is another one, results and status go."""


def build(settings: PageSettings, sessions: Sessions) -> Any:
    """The page as ``gradio.Blocks``, not yet served.

    Args:
        settings: what it was started with.
        sessions: where each tab's files lie.
    """
    import gradio as gr

    # No clean-up by age of what is served meanwhile: sessions remove their own, and the server all at its end.
    with gr.Blocks(title="LatentDiff", analytics_enabled=False, fill_width=True) as page:
        gr.Markdown(INTRODUCTION)
        way = gr.Textbox(FOLDERS, visible="hidden", elem_id="way")
        sides, tabs = sources(gr, settings, sessions)
        choices = gr.Column()
        with gr.Row():
            start = gr.Button("Compare", variant="primary", elem_id="compare")
            stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel")
        outputs = {"start": start, "stop": stop, **_results(gr)}
        # What another tab compared is no answer to what this one asks. The browser does that by itself, and before it asks the server for
        # anything: what comes after a click on Compare would take its answer back, or have it answered for another tab.
        cleared = [way, outputs["results"], outputs["status"]]
        opened = [tab.select(None, way, cleared, js=OPENED % {"tab": name}).then for name, tab in tabs.items()]
        with choices:
            inputs = {"way": way, **sides, **options(gr, settings, way, [page.load, *opened])}
        names = list(inputs)

        # Built here, since Gradio hands over what the signature's annotations ask for, and they need Gradio itself.
        def compare(request: Any, *values: Any) -> Iterator[dict[Any, Any]]:
            given = {name: value for name, value in zip(names, values, strict=True) if value is not None}  # None: never touched
            yield from run(gr, outputs, Asked(**given), settings, sessions, request.session_hash, visitor(request))

        def cancel(request: Any) -> Any:
            sessions.get(request.session_hash, visitor(request)).stop.set()
            return gr.Button("Stopping …", interactive=False)

        def leave(request: Any) -> None:
            sessions.end(request.session_hash)

        for function in (compare, cancel, leave):
            function.__annotations__ = {"request": gr.Request}
        private: dict[str, Any] = {"api_visibility": "private"}
        start.click(compare, list(inputs.values()), list(outputs.values()), show_progress="hidden", concurrency_limit=2, **private)
        stop.click(cancel, None, stop, show_progress="hidden", queue=False, **private)
        page.unload(leave)
    return page


def run(
    gr: Any, outputs: dict[str, Any], asked: Asked, settings: PageSettings, sessions: Sessions, tab: str | None, client: str = ""
) -> Iterator[dict[Any, Any]]:
    """One comparison of one tab: updates of the page, from its first sign of life to the result or the reason why there is none."""
    from fiftyone_plugin.running import Early, live

    session = sessions.get(tab, client)
    if not session.working.acquire(blocking=False):
        yield {outputs["status"]: message_html("A comparison of this page is still running; cancel it, or wait for its end.", "info")}
        return
    # The lock belongs to the work, not to this generator: Gradio may drop the generator while the thread still runs.
    session.stop.clear()
    yield {
        outputs["start"]: gr.Button(interactive=False),
        outputs["stop"]: gr.Button("Cancel", visible=True, interactive=True),
        outputs["status"]: progress_html(0.0, "starting"),
        outputs["results"]: gr.Column(visible=False),
    }
    done = {outputs["start"]: gr.Button(interactive=True), outputs["stop"]: gr.Button(visible=False)}
    steps, kept = live(lambda *told: _work(asked, settings, sessions, session, *told), early=True), "Nothing was kept."
    try:
        while True:
            step = next(steps)
            if isinstance(step, Early):
                kept = "The first answer stays, and nothing better comes."
                yield {outputs["results"]: gr.Column(visible=True), **_filled(gr, outputs, step.answer)}
            else:
                yield {outputs["status"]: progress_html(*step)}
    except StopIteration as finished:
        yield {**done, outputs["status"]: "", outputs["results"]: gr.Column(visible=True), **_filled(gr, outputs, finished.value)}
    except Cancelled:
        yield {**done, outputs["status"]: message_html(f"Stopped. {kept}", "info")}
    except LatentDiffError as e:
        yield {**done, outputs["status"]: message_html(sentence(e), "error")}
    except OSError as e:
        yield {**done, outputs["status"]: message_html(f"This did not work: {e.strerror or e}.", "error")}
    except Exception:
        yield {**done, outputs["status"]: message_html("This failed in a way that it should not. The server's output says more.", "error")}
        raise


def _work(asked: Asked, settings: PageSettings, sessions: Sessions, session: Session, progress: Progress, first: First) -> Any:
    """In a thread of its own: compare, prepare what is shown, and leave nothing of the uploads. A first answer that is shown stays."""

    def report(fraction: float, label: str) -> None:
        if session.stop.is_set():
            raise Cancelled("stopped on the page")
        progress(fraction, label)

    try:
        folder = session.fresh()
        roots, early = None if settings.loopback else settings.roots, folder / "first"

        def show(found: Answer) -> None:
            early.mkdir()
            first(result(found, early, lambda fraction, label: report(0.0, label), roots))

        try:
            _check_uploads(asked, sessions, session)
            found = answer(asked, settings, folder, part(report, 0.0, 0.9), show)
            return result(found, folder, part(report, 0.9, 1.0), roots)
        except BaseException:
            if not early.exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            for unpacked in ("a", "b"):
                shutil.rmtree(folder / unpacked, ignore_errors=True)
    finally:
        session.working.release()


def _check_uploads(asked: Asked, sessions: Sessions, session: Session) -> None:
    for upload in (asked.zip_a, asked.zip_b, asked.table):
        if upload and asked.way in (ZIPS, TABLE) and not Path(upload).is_file():
            raise InputError("the uploaded file is no longer here; choose it again")
        if upload:
            sessions.claim(session, upload)


def _filled(gr: Any, outputs: dict[str, Any], found: Any) -> dict[Any, Any]:
    updates: dict[Any, Any] = {outputs["verdict"]: found.verdict, outputs["plots"]: found.plots}
    for side in "AB":
        updates[outputs[f"head_{side}"]] = found.heads[side]
        for i in range(SLOTS):
            shown = found.cards[side][i] if i < len(found.cards[side]) else None
            updates[outputs[f"slot_{side}{i}"]] = gr.Column(visible=shown is not None)
            updates[outputs[f"card_{side}{i}"]] = shown.html if shown else ""
            gallery = shown.gallery if shown else []
            updates[outputs[f"gallery_{side}{i}"]] = gr.Gallery(gallery, visible=bool(gallery), selected_index=None)
    for kind in FORMATS:
        updates[outputs[f"file_{kind}"]] = gr.DownloadButton(value=found.files[kind])
    return updates


def _results(gr: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"status": gr.HTML(elem_id="status")}
    with gr.Column(visible=False, elem_id="results") as made["results"]:
        made["verdict"] = gr.HTML(elem_id="verdict")
        with gr.Row():
            for kind in FORMATS:
                made[f"file_{kind}"] = gr.DownloadButton(FORMAT_NAMES[kind], size="sm", min_width=120, elem_id=f"file-{kind}")
        with gr.Row(equal_height=False):
            for side in "AB":
                with gr.Column(min_width=420):
                    made[f"head_{side}"] = gr.HTML()
                    for i in range(SLOTS):
                        with gr.Column(visible=False, elem_classes="ld-slot", min_width=100) as made[f"slot_{side}{i}"]:
                            made[f"card_{side}{i}"] = gr.HTML()
                            made[f"gallery_{side}{i}"] = gr.Gallery(**GALLERY)
        made["plots"] = gr.HTML()
    return made


GALLERY: dict[str, Any] = {
    "show_label": False,
    "columns": 5,
    "height": "auto",
    "object_fit": "cover",
    "interactive": False,
    "buttons": ["fullscreen"],
    "container": False,
}
