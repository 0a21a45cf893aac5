"""The Gradio page: name two sets of images, watch, read what differs, take the report along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from latentdiff.errors import Cancelled, InputError, LatentDiffError
from latentdiff.progress import Progress, part

from .cards import FORMATS, SLOTS, message_html, progress_html, result
from .sessions import Session, Sessions
from .settings import PageSettings
from .work import FOLDERS, TABLE, VIEWS, ZIPS, Asked, answer, choices_of, dataset_names

INTRODUCTION = (
    "# How do two sets of images differ?\n"
    "Name two sets. You get phrases that are more true of one than of the other, each tested, with the images that show it best."
)
FORMAT_NAMES = {"html": "Report (web page)", "md": "Markdown", "csv": "Table (CSV)", "json": "JSON"}
ENCODERS = {
    "fast": "CLIP ViT-B/32: fast, good for most questions",
    "paper": "CLIP ViT-L/14 at 336 px: finer, about 30 times slower",
    "demo": "The small one of LatentDiff's drawn demo (needs no download)",
}


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
        way = gr.State(FOLDERS)
        inputs = {"way": way, **_sources(gr, settings, sessions, way), **_options(gr, settings)}
        with gr.Row():
            start = gr.Button("Compare", variant="primary", elem_id="compare")
            stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel")
        outputs = {"start": start, "stop": stop, **_results(gr)}
        names = list(inputs)

        # Built here, since Gradio hands over what the signature's annotations ask for, and they need Gradio itself.
        def compare(request: Any, *values: Any) -> Iterator[dict[Any, Any]]:
            given = {name: value for name, value in zip(names, values, strict=True) if value is not None}  # None: never touched
            yield from run(gr, outputs, Asked(**given), settings, sessions, request.session_hash)

        def cancel(request: Any) -> Any:
            sessions.get(request.session_hash).stop.set()
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
    gr: Any, outputs: dict[str, Any], asked: Asked, settings: PageSettings, sessions: Sessions, tab: str | None
) -> Iterator[dict[Any, Any]]:
    """One comparison of one tab: updates of the page, from its first sign of life to the result or the reason why there is none."""
    from fiftyone_plugin.running import live

    session = sessions.get(tab)
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
    steps = live(lambda progress: _work(asked, settings, sessions, session, progress))
    try:
        while True:
            fraction, label = next(steps)
            yield {outputs["status"]: progress_html(fraction, label)}
    except StopIteration as finished:
        yield {**done, outputs["status"]: "", outputs["results"]: gr.Column(visible=True), **_filled(gr, outputs, finished.value)}
    except Cancelled:
        yield {**done, outputs["status"]: message_html("Stopped. Nothing was kept.", "info")}
    except LatentDiffError as e:
        yield {**done, outputs["status"]: message_html(_sentence(str(e)), "error")}
    except OSError as e:
        yield {**done, outputs["status"]: message_html(f"This did not work: {e.strerror or e}.", "error")}
    except Exception:
        yield {**done, outputs["status"]: message_html("This failed in a way that it should not. The server's output says more.", "error")}
        raise


def _work(asked: Asked, settings: PageSettings, sessions: Sessions, session: Session, progress: Progress) -> Any:
    """In a thread of its own: compare, prepare what is shown, and leave nothing of the uploads."""

    def report(fraction: float, label: str) -> None:
        if session.stop.is_set():
            raise Cancelled("stopped on the page")
        progress(fraction, label)

    try:
        folder = session.fresh()
        try:
            _check_uploads(asked, sessions, session)
            found = answer(asked, settings, folder, part(report, 0.0, 0.9))
            return result(found, folder, part(report, 0.9, 1.0))
        except BaseException:
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


def _sources(gr: Any, settings: PageSettings, sessions: Sessions, way: Any) -> dict[str, Any]:
    """The tabs in which two sides are named."""
    where = ", ".join(map(str, settings.roots or ())) or "none: start the page with --root FOLDER to allow one"
    megabytes = f"{settings.max_upload / 1e6:,.0f} MB"
    made: dict[str, Any] = {}
    with gr.Tabs():
        with gr.Tab("Two folders") as folders:
            gr.HTML(f'<p class="ld-where">Folders of the machine that serves this page, in: {escape(where)}</p>', padding=False)
            with gr.Row():
                info = "One set of images"
                made["folder_a"] = gr.Textbox(label="Folder A", info=info, max_lines=1, placeholder="/home/me/photos/summer")
                info = "The set to compare it with"
                made["folder_b"] = gr.Textbox(label="Folder B", info=info, max_lines=1, placeholder="/home/me/photos/winter")
        with gr.Tab("Two zip files") as zips, gr.Row():
            made["zip_a"] = gr.File(label=f"Zip file A: images, at most {megabytes}", file_types=[".zip"], height=140)
            made["zip_b"] = gr.File(label="Zip file B", file_types=[".zip"], height=140)
        with gr.Tab("A table of paths") as table, gr.Row():
            made["table"] = gr.File(label="CSV with the columns path and group_name; two groups", file_types=[".csv"], height=140)
            info = f"Where relative paths start. Folders that may be read: {where}"
            made["table_base"] = gr.Textbox(label="Folder of the images", info=info, max_lines=1)
        with gr.Tab("Views of a dataset") as views:
            made |= _dataset(gr, views)
    for tab, name in ((folders, FOLDERS), (zips, ZIPS), (table, TABLE), (views, VIEWS)):
        tab.select(lambda name=name: name, None, way, show_progress="hidden", queue=False, api_visibility="private")
    _keep_track(gr, sessions, [made[name] for name in ("zip_a", "zip_b", "table")])
    return made


def _keep_track(gr: Any, sessions: Sessions, uploads: list[Any]) -> None:
    """A tab owns what it uploads: a file that is taken back, or left in a tab that closes, is removed."""

    def sent(request: Any, path: str) -> None:
        if path:
            sessions.claim(sessions.get(request.session_hash), path)

    def cleared(request: Any, *kept: str | None) -> None:
        session = sessions.get(request.session_hash)
        for path in list(session.uploads - {Path(one) for one in kept if one}):
            sessions.forget(session, path)

    for function in (sent, cleared):
        function.__annotations__ = {"request": gr.Request}
    quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    for upload in uploads:
        upload.upload(sent, upload, None, **quiet)
        upload.clear(cleared, uploads, None, **quiet)


def _dataset(gr: Any, tab: Any) -> dict[str, Any]:
    with gr.Row():
        dataset = gr.Dropdown([], label="Dataset", info="FiftyOne datasets of this machine; they are listed when this tab is opened")
        field = gr.Dropdown([], label="Image vectors", info="Field with one vector per image")
    with gr.Row():
        a, b = gr.Dropdown([], label="View A", info="A saved view"), gr.Dropdown([], label="View B", info="The view to compare it with")
        run = gr.Textbox(label="Name", info="Under which the dataset keeps the comparison; may stay empty", max_lines=1)

    def listed() -> Any:
        try:
            names = dataset_names()
        except LatentDiffError as e:
            return gr.Dropdown([], info=str(e))
        return gr.Dropdown(names, info="FiftyOne datasets of this machine" if names else "There is no dataset on this machine yet")

    def chosen(name: str | None) -> list[Any]:
        views, fields = choices_of(name)
        two = [gr.Dropdown(views, value=None) for _ in "AB"]
        return [*two, gr.Dropdown(fields, value=fields[0] if fields else None)]

    quiet: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
    tab.select(listed, None, dataset, **quiet)
    dataset.change(chosen, dataset, [a, b, field], **quiet)
    return {"dataset": dataset, "view_a": a, "view_b": b, "field": field, "run": run}


def _options(gr: Any, settings: PageSettings) -> dict[str, Any]:
    known = {**ENCODERS, **({} if settings.encoder in ENCODERS else {settings.encoder: settings.encoder})}
    with gr.Accordion("Options", open=False):
        with gr.Row():
            choices = [(label, name) for name, label in known.items()]
            info = "The model that sees the images; a dataset brings its own"
            encoder = gr.Dropdown(choices, value=settings.encoder, label="Encoder", info=info)
            info = "Share of false alarms that you can live with"
            alpha = gr.Slider(0.001, 0.2, value=0.05, step=0.001, label="Level", info=info)
        info = "Differences are named by these words only, one word or phrase a line; empty: 20,000 common English words"
        words = gr.Textbox(label="Your own words", info=info, lines=3, max_lines=8)
        skip = gr.Checkbox(label="Leave out images that cannot be read")
    return {"encoder": encoder, "words": words, "alpha": alpha, "skip_bad": skip}


def _results(gr: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"status": gr.HTML(elem_id="status")}
    with gr.Column(visible=False, elem_id="results") as made["results"]:
        made["verdict"] = gr.HTML(elem_id="verdict")
        with gr.Row():
            for kind in FORMATS:
                made[f"file_{kind}"] = gr.DownloadButton(FORMAT_NAMES[kind], size="sm", elem_id=f"file-{kind}")
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


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
