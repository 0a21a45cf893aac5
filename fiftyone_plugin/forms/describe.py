"""Inputs of describing the most telling images: captions, a server, and what will be sent to it, said before it is."""

from __future__ import annotations

from typing import Any

import latentdiff
from latentdiff.describe.server import is_openai
from latentdiff.errors import InputError

from .common import choose, reject

NOT, FIELD, MODEL, WORDS, SERVER = "no", "field", "model", "words", "server"
ANSWERS = {"describe", "captions", "captioner", "ask_model", "llm_url", "llm_model"}
"""Names of the inputs. A key is none of them: what a form holds is stored."""
SECRET, OPENAI = "LATENTDIFF_API_KEY", "OPENAI_API_KEY"
"""The second is for OpenAI's own address alone."""
CAPTIONERS = {MODEL: "image-to-text", WORDS: "vocabulary", SERVER: "endpoint", FIELD: "given"}


def choose_description(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """Whether captions of the most telling images propose phrases, and who writes and compares them."""
    from fiftyone.operators import types

    choices = {
        NOT: "No: by the words alone",
        FIELD: "By captions in a field",
        MODEL: "By a captioning model on this machine",
        WORDS: "By each image's nearest words",
        SERVER: "By a vision server, which is sent images",
    }
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
        inputs.str("captioner", label="Captioning model", description=text, required=True)
    if how != SERVER:
        inputs.bool("ask_model", label="Ask a language model", description="A server is sent these captions", default=False)
    if how == SERVER or params.get("ask_model"):
        url = inputs.str("llm_url", label="Server", description="OpenAI-compatible, such as http://localhost:8000/v1", required=True)
        inputs.str("llm_model", label="Model", description=f"As the server calls it; its key is the secret {SECRET}", required=True)
        if how == MODEL and not params.get("captioner"):
            return  # the empty input says so itself
        try:
            config = chosen_description(params)
        except InputError as e:
            if params.get("llm_url") and params.get("llm_model"):
                reject(url, str(e))
            return
        sent = "; ".join(config.sends) if config else ""
        inputs.view("sent", types.Notice(label=f"Will be sent: {sent}", variant="outlined"))
    else:
        inputs.view("sent", types.Notice(label="Nothing leaves this machine.", variant="outlined"))


def chosen_description(params: dict[str, Any]) -> latentdiff.DescribeConfig | None:
    """The choices of the form, None where images are not to be described.

    Raises:
        InputError: a server without an address or model.
    """
    how = params.get("describe") or NOT
    if how == NOT:
        return None
    if how not in CAPTIONERS:
        raise InputError(f"describe is {NOT!r} or one of {', '.join(CAPTIONERS)}, not {how!r}")
    if how == MODEL and not params.get("captioner"):
        raise InputError("name the captioning model: its folder or hub id")
    url, name = (params.get(what) or None for what in ("llm_url", "llm_model"))
    server: dict[str, Any] = {"base_url": url, "language_model": name, "language": "endpoint"}
    asks = how == SERVER or params.get("ask_model")
    model = {"captioner_model": params["captioner"]} if how == MODEL else {}
    return latentdiff.DescribeConfig(captioner=CAPTIONERS[how], **model, **(server if asks else {}))


def description_of(ctx: Any) -> dict[str, Any]:
    """``describe``, ``captions`` and ``key`` for :func:`compare_views`; the key is FiftyOne's secret."""
    config = chosen_description(ctx.params)
    if config is None:
        return {}
    captions = ctx.params.get("captions") if config.captioner == "given" else None
    if config.captioner == "given" and not captions:
        raise InputError("name the field of captions")
    key = None
    if config.base_url:
        key = ctx.secret(SECRET) or (ctx.secret(OPENAI) if is_openai(config.base_url) else None)
    return {"describe": config, "captions": captions, "key": key or None}


def _text_fields(dataset: Any) -> list[str]:
    import fiftyone as fo

    out = []
    for name, field in dataset.get_field_schema().items():
        inner = field.field if isinstance(field, fo.ListField) else field
        if isinstance(inner, fo.StringField) and name not in ("filepath", "tags", "_media_type"):
            out.append(name)
    return out
