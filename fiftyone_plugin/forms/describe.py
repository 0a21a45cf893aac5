"""Inputs of describing the most telling images: captions, a server, and what will be sent to it, said before it is."""

from __future__ import annotations

from typing import Any

from latentdiff.describe.server import ADDRESS, KEY, OPENAI_KEY, goes_with, is_openai, same_address
from latentdiff.errors import InputError

from .. import allowed
from .choices import FIELD, HOW, MODEL, NOT, SERVER, chosen_description
from .common import choose, reject


def choose_description(inputs: Any, ctx: Any) -> None:
    """Whether captions of the most telling images propose phrases, and who writes and compares them."""
    from fiftyone.operators import types

    dataset, params = ctx.dataset, ctx.params
    choices = HOW | {FIELD: "By captions in a field"}
    text = "Captions of the images that are most typical of each side propose phrases, which are then tested on all images"
    prop = choose(inputs, "describe", "Describe images", list(choices), labels=list(choices.values()), description=text, empty="")
    prop.default, prop.required = NOT, False
    how = params.get("describe") or NOT
    if how == NOT:
        return
    if how == FIELD:
        fields = _text_fields(dataset)
        choose(inputs, "captions", "Captions", fields, description="Field of texts", empty="No field of this dataset holds texts.")
    if how == MODEL:
        text = "A BLIP-2, BLIP, GIT or ViT-GPT2 model: its folder on the machine that serves the App, or its hub id"
        model = inputs.str("captioner", label="Captioning model", description=text, required=True)
        why = params.get("captioner") and allowed.problem(allowed.file, params["captioner"])
        if why:
            reject(model, why)
    if how != SERVER:
        inputs.bool("ask_model", label="Ask a language model", description="A server is sent these captions", default=False)
    if how == SERVER or params.get("ask_model"):
        _choose_server(inputs, ctx, how)
    else:
        inputs.view("sent", types.Notice(label="Nothing leaves this machine.", variant="outlined"))


def _choose_server(inputs: Any, ctx: Any, how: str) -> None:
    """The server and its model, and what it will be sent."""
    from fiftyone.operators import types

    params = ctx.params
    url = inputs.str("llm_url", label="Server", description="OpenAI-compatible, such as http://localhost:8000/v1", required=True)
    inputs.str("llm_model", label="Model", description="As the server calls it", required=True)
    if how == MODEL and not params.get("captioner"):
        return  # the empty input says so itself
    why = allowed.problem(allowed.server, params.get("llm_url"))
    if why:
        reject(url, why)
        return
    try:
        config = chosen_description(params)
        along = goes_with(config.base_url, _key(ctx, config.base_url) or "") if config else []
    except InputError as e:
        if params.get("llm_url") and params.get("llm_model"):
            reject(url, str(e))
        return
    sent = "; ".join([*config.sends, *along]) if config else ""
    inputs.view("sent", types.Notice(label=f"Will be sent: {sent}", variant="outlined"))


def description_of(ctx: Any) -> dict[str, Any]:
    """``captions`` and ``key`` of a request; the key is FiftyOne's secret."""
    config = chosen_description(ctx.params)
    if config is None:
        return {}
    captions = ctx.params.get("captions") or None if config.captioner == "given" else None
    return {"captions": captions, "key": _key(ctx, config.base_url) or ""}


def _key(ctx: Any, url: str | None) -> str | None:
    """FiftyOne's secret for a server: the one that is bound to its address, or OpenAI's for OpenAI; no other server gets either."""
    if not url:
        return None
    if same_address(url, ctx.secret(ADDRESS) or ""):
        return ctx.secret(KEY) or None
    return ctx.secret(OPENAI_KEY) or None if is_openai(url) else None


def _text_fields(dataset: Any) -> list[str]:
    import fiftyone as fo

    out = []
    for name, field in dataset.get_field_schema().items():
        inner = field.field if isinstance(field, fo.ListField) else field
        if isinstance(inner, fo.StringField) and name not in ("filepath", "tags", "_media_type"):
            out.append(name)
    return out
