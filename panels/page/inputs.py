"""The inputs of the page: the tabs in which two sides are named, and the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from fiftyone_plugin.forms.choices import FIELD, HOW, LATENTDIFF, MODEL, NOT, OFF, OWN, SERVER, WHERE, concept_titles, method_titles
from latentdiff.describe.server import goes_with
from latentdiff.errors import InputError, LatentDiffError, sentence
from latentdiff.inputs.field_files import ALL
from latentdiff.scale.engine import LOCAL

from .asked import FOLDERS, STARTED, TABLE, VIEWS, ZIPS, Asked, choices, would_be_fetched
from .clients import visitor
from .encoders import choices as encoder_choices
from .encoders import state
from .preview import preview
from .sessions import Sessions
from .settings import DEMO, PageSettings
from .work import choices_of, dataset_names, groups_of_table

WIDE: dict[str, Any] = {"min_width": 320}
"""Drop-downs of long choices stand one below the other where the page is narrow."""


def sources(gr: Any, settings: PageSettings, sessions: Sessions) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs by which two sides are named, and their tabs, by name."""
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
            with gr.Row():
                seen = [gr.HTML(padding=False, elem_id=f"preview-{letter}") for letter in "ab"]
            for box, shown in zip((made["folder_a"], made["folder_b"]), seen, strict=True):
                box.blur(lambda named: preview(named or "", settings), box, shown, show_progress="hidden", api_visibility="private")
        with gr.Tab("Two zip files") as zips, gr.Row():
            made["zip_a"] = gr.File(label=f"Zip file A: images, at most {megabytes}", file_types=[".zip"], height=140)
            made["zip_b"] = gr.File(label="Zip file B", file_types=[".zip"], height=140)
        with gr.Tab("A table of paths") as table:
            made |= _table(gr, where)
        with gr.Tab("Views of a dataset") as views:
            made |= _dataset(gr, views)
    _keep_track(gr, sessions, [made[name] for name in ("zip_a", "zip_b", "table")])
    return made, {FOLDERS: folders, ZIPS: zips, TABLE: table, VIEWS: views}


def _table(gr: Any, where: str) -> dict[str, Any]:
    with gr.Row():
        file = gr.File(label="CSV with the columns path and group_name", file_types=[".csv"], height=140)
        info = f"Where relative paths start. Folders that may be read: {where}"
        base = gr.Textbox(label="Folder of the images", info=info, max_lines=1)
    with gr.Row():
        a = gr.Dropdown([], label="Group A", info="One group of the table; they are listed when it is chosen")
        b = gr.Dropdown([], label="Group B", info="The group to compare it with")

    def listed(path: str | None) -> list[Any]:
        names = groups_of_table(path)
        two = names if len(names) == 2 else (None, None)
        return [gr.Dropdown(names, value=value) for value in two]

    file.change(listed, file, [a, b], show_progress="hidden", api_visibility="private")
    return {"table": file, "table_base": base, "group_a": a, "group_b": b}


def _keep_track(gr: Any, sessions: Sessions, uploads: list[Any]) -> None:
    """A tab owns what it uploads: a file that is taken back, or left in a tab that closes, is removed."""

    def sent(request: Any, path: str) -> None:
        if path:
            sessions.claim(sessions.get(request.session_hash, visitor(request)), path)

    def cleared(request: Any, *kept: str | None) -> None:
        session = sessions.get(request.session_hash, visitor(request))
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
        dataset = gr.Dropdown([], label="Dataset", info="Looking for FiftyOne datasets of this machine …")
        field = gr.Dropdown([], label="Image vectors", info="Field with one vector per image")
    with gr.Row():
        a, b = gr.Dropdown([], label="View A", info="A saved view"), gr.Dropdown([], label="View B", info="The view to compare it with")
        run = gr.Textbox(label="Name", info="Under which the dataset keeps the comparison; may stay empty", max_lines=1)
    with gr.Row():
        text = "Field with one value for each scene, video or patient; may stay empty"
        groups = gr.Textbox(label="Images that belong together", info=text, max_lines=1)
        text = "A cluster is handed the vectors in chunks"
        engine = gr.Dropdown(_pairs(WHERE), value=LOCAL.kind, label="Where it runs", info=text)
        text = "Such as ray://host:10001; empty: a new cluster on this machine"
        address = gr.Textbox(label="Address of the cluster", info=text, max_lines=1, visible=False)
        text = "Folder or URI that all its machines can read"
        exchange = gr.Textbox(label="Exchange folder", info=text, max_lines=1, visible=False)

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

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}  # what Gradio shows lies on the drop-down
    tab.select(listed, None, dataset, **quiet)
    dataset.change(chosen, dataset, [a, b, field], **quiet)
    engine.change(lambda kind: [gr.Textbox(visible=kind != LOCAL.kind)] * 2, engine, [address, exchange], **quiet)
    own = {"dataset": dataset, "view_a": a, "view_b": b, "field": field, "run": run}
    return {**own, "groups": groups, "engine": engine, "address": address, "exchange": exchange}


def options(gr: Any, settings: PageSettings, way: Any, looked: Sequence[Any]) -> dict[str, Any]:
    """What can be chosen beside the sides, folded away; above it what the encoder lacks, where it lacks something.

    Args:
        gr: Gradio.
        settings: of the page.
        way: name of the tab that is open.
        looked: events at which it is looked anew whether the encoder's weights are here, beside that another one is chosen.
    """
    made: dict[str, Any] = {}
    text, lacks = state(settings.encoder, settings)
    said = gr.HTML(text, elem_id="encoder-state", padding=False)
    info = "File of these weights (.safetensors, .pt, .bin), or the folder of an open_clip or transformers model, on this machine"
    made["weights"] = gr.Textbox(
        label="Weights", info=info, max_lines=1, visible=lacks, placeholder="/media/usb/open_clip_model.safetensors"
    )
    with gr.Accordion("Options", open=False):
        with gr.Row():
            info = "The model that sees the images; a dataset brings its own"
            made["encoder"] = gr.Dropdown(encoder_choices(settings), value=settings.encoder, label="Encoder", info=info, **WIDE)
            info = "The others are baselines; their findings are shown alike"
            made["method"] = gr.Dropdown(_pairs(method_titles()), value=LATENTDIFF, label="Method", info=info, **WIDE)
        text = "The demo's encoder all the same: on images that are no drawn scenes its names mean nothing"
        made["photographs"] = gr.Checkbox(label=text, visible=settings.encoder == DEMO)
        info = "Differences are named by these words only, one word or phrase a line; empty: 20,000 common English words"
        made["words"] = gr.Textbox(label="Your own words", info=info, lines=3, max_lines=8)
        made |= _concepts(gr, settings)
        info = "Tested beside what the pictures show: a dataset's fields, a table's other columns, else what is measured of the pictures"
        known = [("No: the pictures alone", OFF), ("All that is known of the images", ALL)]
        made["fields"] = gr.Dropdown(known, value=OFF, label="Fields", info=info)
        made |= _description(gr, settings, made["method"])
        with gr.Row():
            info = "Share of false alarms that you can live with"
            made["alpha"] = gr.Slider(0.001, 0.2, value=0.05, step=0.001, label="Level", info=info)
            made["seed"] = gr.Number(0, label="Seed", info="The same seed gives the same result", precision=0, minimum=0)
        made["skip_bad"] = gr.Checkbox(label="Leave out images that cannot be read")
    _say_what_lacks(gr, settings, way, looked, made, said)
    return made


def _say_what_lacks(gr: Any, settings: PageSettings, way: Any, looked: Sequence[Any], made: dict[str, Any], said: Any) -> None:
    """Whether the encoder's weights are here, and the field for them."""

    def look(name: str, named: str) -> list[Any]:
        text, lacks = state(name, settings) if named != VIEWS else ("", False)  # a dataset has its vectors
        return [text, gr.Textbox(visible=lacks), gr.Checkbox(visible=name == DEMO), gr.Dropdown(encoder_choices(settings), value=name)]

    outputs = [said, made["weights"], made["photographs"], made["encoder"]]
    for event in (*looked, made["encoder"].input):
        event(look, [made["encoder"], way], outputs, show_progress="hidden", queue=False, api_visibility="private")


def _concepts(gr: Any, settings: PageSettings) -> dict[str, Any]:
    here = {name: title for name, title in concept_titles().items() if settings.loopback or not would_be_fetched(name)}
    titles = {STARTED: "The page's own, else learnt from these images", **here}
    with gr.Row():
        info = "What is compared one by one; a published sparse autoencoder is fetched when it is first used"
        concepts = gr.Dropdown(_pairs(titles), value=STARTED, label="Concepts", info=info, **WIDE)
        info = "Folder or file on the machine that serves this page"
        sae = gr.Textbox(label="Sparse autoencoder", info=info, max_lines=1, visible=False)
    concepts.change(lambda chosen: gr.Textbox(visible=chosen == OWN), concepts, sae, show_progress="hidden", api_visibility="private")
    return {"concepts": concepts, "sae": sae}


def _description(gr: Any, settings: PageSettings, method: Any) -> dict[str, Any]:
    """Who describes the most telling images, and in words what will be sent, before it is."""
    made: dict[str, Any] = {}
    with gr.Row():
        info = "Captions of the images that are most typical of each side propose phrases, which are then tested on all images"
        made["describe"] = gr.Dropdown(_pairs(HOW), value=NOT, label="Describe images", info=info)
        info = "CSV with the columns path and caption, or JSON lines; of a dataset, also its field of captions"
        made["captions"] = gr.Textbox(label="Captions", info=info, max_lines=1, visible=False)
        info = "A BLIP-2, BLIP, GIT or ViT-GPT2 model: its folder on the machine that serves this page, or its hub id"
        made["captioner"] = gr.Textbox(label="Captioning model", info=info, max_lines=1, visible=False)
    made["ask_model"] = gr.Checkbox(label="Ask a language model: a server is sent these captions", visible=False)
    with gr.Row(visible=False) as server:
        info = "OpenAI-compatible, such as http://localhost:8000/v1"
        made["llm_url"] = gr.Textbox(settings.llm_url, label="Server", info=info, max_lines=1)
        made["llm_model"] = gr.Textbox(settings.llm_model, label="Model", info="As the server calls it", max_lines=1)
        made["llm_key"] = gr.Textbox(label="Key", info="Sent to this server alone, and stored nowhere", max_lines=1, type="password")
    sent = gr.HTML(elem_id="sent", padding=False)
    names = [name for name in made if name != "llm_key"]

    def changed(*values: Any) -> list[Any]:
        asked = dict(zip([*names, "method"], values, strict=True))
        how = asked["describe"]
        asks = how == SERVER or (how != NOT and asked["ask_model"])
        shown = [gr.Textbox(visible=how == FIELD), gr.Textbox(visible=how == MODEL), gr.Checkbox(visible=how not in (NOT, SERVER))]
        return [*shown, gr.Row(visible=bool(asks)), _sent(asked, settings)]

    outputs = [made["captions"], made["captioner"], made["ask_model"], server, sent]
    for name in names:
        made[name].change(changed, [*(made[n] for n in names), method], outputs, show_progress="hidden", api_visibility="private")
    return made


def _sent(asked: dict[str, Any], settings: PageSettings) -> str:
    """What will leave this machine, as HTML."""
    if asked["describe"] == NOT:
        return ""
    try:
        given = choices(Asked(**{name: value for name, value in asked.items() if value is not None}), settings)
        sends = given["method"].sends
        along = goes_with(given["method"].describe.base_url if sends else None, given["key"])
    except InputError as e:
        said = sentence(e)
    else:
        said = f"Will be sent: {'; '.join([*sends, *along])}." if sends else "Nothing leaves this machine."
    return f'<p class="ld-where">{escape(said)}</p>'


def _pairs(titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """Choices as Gradio takes them."""
    return [(title, name) for name, title in titles.items()]
