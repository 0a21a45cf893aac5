"""Inputs by which one judges, renames, notes and merges a difference."""

from __future__ import annotations

from typing import Any

from latentdiff.report.finding import named
from latentdiff.results.feedback import ACCEPTED, LONGEST, REJECTED, SAID, Feedback, meant, said_of

from . import common as forms
from . import hypotheses as hypothesis_forms
from .choices import OFF

JUDGED = {OFF: "Not judged", ACCEPTED: "Right", REJECTED: "Wrong, or of no use: no card, and its words sink in later comparisons"}
NONE = Feedback("A", "sae", "-")


def choose_judgement(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """The difference, and all that can be said of it, filled in with what was said before."""
    run = hypothesis_forms.choose_hypothesis(inputs, dataset, params, sides=False)
    h = hypothesis_forms.answered(run, params)
    said = said_of(run.feedback, h) if h else NONE
    labels = list(JUDGED.values())
    about = "Shown in reports; no test changes by it"
    state = forms.choose(inputs, "state", "Is it right?", list(JUDGED), labels=labels, description=about, empty="")
    state.default, state.required = said.state or OFF, False
    text = "In place of its words, here and in later comparisons with the same concepts; empty takes it back"
    name = inputs.str("name", label="Name", description=text, default=said.name or (h.text if h else ""), required=False)
    note = inputs.str("note", label="Note", description="Kept with it, and shown in reports", default=said.note, required=False)
    for prop in (name, note):
        key = "name" if prop is name else "note"
        if len(str(params.get(key) or "")) > LONGEST:
            forms.reject(prop, f"At most {LONGEST:,} letters.")
    if h is None:
        return
    parts = {(one.side, one.text) for one in run.feedback if one.merged}
    others = [o for o in run.hypotheses if o.side == h.side and o is not h and (o.side, o.text) not in parts]
    if others:
        values = {OFF: "It stands by itself", **{o.text: named(o, said_of(run.feedback, o)) for o in others if o.text != h.text}}
        text = "The difference that says the same: this one is told on its card"
        merged = forms.choose(inputs, "merged", "Part of", list(values), labels=list(values.values()), description=text, empty="")
        merged.default, merged.required = said.merged or OFF, False


def chosen_judgement(run: Any, h: Any, params: dict[str, Any]) -> dict[str, str]:
    """What the answers say that was not said before; an input that was not answered says nothing."""
    before = said_of(run.feedback, h)
    answers = {name: "" if params[name] in (None, OFF) else str(params[name]) for name in SAID if name in params}
    return {name: value for name, value in meant(h, answers).items() if value != getattr(before, name)}
