"""Operators on a stored comparison: delete, rename, export, ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fiftyone.operators import types

from .base import FormOperator


class DeleteComparison(FormOperator):
    """Form → :func:`delete_comparison`."""

    NAME = "delete_comparison"
    LABEL = "delete a comparison"
    DESCRIPTION = "Remove a comparison and the two fields that it wrote, and nothing else"
    ICON = "delete_outline"
    SUBMIT = "Delete"
    FIXED = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import common as forms

        forms.choose_run(inputs, ctx.dataset, complete=False)
        text = "Deletes the comparison, and its fields, …_log_ratio and …_concepts. Images and other fields stay."
        inputs.view("notice", types.Notice(label=text))

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.store.runs import delete_comparison

        delete_comparison(ctx.dataset, ctx.params["run"])
        ctx.ops.reload_dataset()
        return {"deleted": ctx.params["run"]}


class RenameComparison(FormOperator):
    """Form → :func:`rename_comparison`."""

    NAME = "rename_comparison"
    LABEL = "rename a comparison"
    DESCRIPTION = "Another name for a comparison and the two fields that it wrote"
    ICON = "drive_file_rename_outline"
    SUBMIT = "Rename"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import common as forms

        forms.choose_run(inputs, ctx.dataset, complete=True)
        forms.rename_run(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.store.runs import rename_comparison

        rename_comparison(ctx.dataset, ctx.params["run"], str(ctx.params.get("new") or ""))
        ctx.ops.reload_dataset()
        return {"renamed": ctx.params["run"], "new": ctx.params["new"]}


HERE, SERVER = "download", "server"
WHERE = {HERE: "Download it", SERVER: "Into a folder of the App's server"}
FORMATS = {".html": "Web page with thumbnails and plots", ".md": "Markdown", ".csv": "Table (CSV)", ".json": "JSON"}


class ExportReport(FormOperator):
    """Form → :func:`export_report`."""

    NAME = "export_report"
    LABEL = "export a report"
    DESCRIPTION = "A comparison as one file to keep or to send: a web page, Markdown, CSV or JSON"
    ICON = "summarize"
    SUBMIT = "Export"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin import allowed
        from fiftyone_plugin.forms import common as forms

        forms.choose_run(inputs, ctx.dataset, complete=True)
        labels = list(FORMATS.values())
        kind = forms.choose(inputs, "format", "Format", list(FORMATS), labels=labels, description="What kind of file", empty="")
        kind.default = ".html"
        text = "Your browser saves it, or the machine that serves the App keeps it"
        where = forms.choose(inputs, "where", "Where to", list(WHERE), labels=list(WHERE.values()), description=text, empty="")
        where.default, where.required = HERE, False
        if ctx.params.get("where") != SERVER and not ctx.params.get("folder"):
            return
        text = "A folder on the machine of the App's server; the file is named after the comparison"
        folder = inputs.str("folder", label="Folder", description=text, required=True)
        given = ctx.params.get("folder")
        why = given and allowed.problem(allowed.place, given)
        if why or (given and not Path(given).expanduser().is_dir()):
            forms.reject(folder, why or f"There is no folder {given}.")

    def perform(self, ctx: Any) -> dict[str, Any]:
        from urllib.parse import quote

        from fiftyone_plugin import allowed
        from fiftyone_plugin.reporting import downloads, export_report
        from latentdiff.errors import InputError

        run, suffix = ctx.params["run"], ctx.params.get("format") or ".html"
        kept = ctx.params.get("where") == SERVER or (ctx.params.get("folder") and not ctx.params.get("where"))
        if kept and not ctx.params.get("folder"):
            raise InputError("name the folder that gets the report")
        if not kept:
            path = export_report(ctx.dataset, run, downloads() / f"{run}{suffix}")
            ctx.ops.browser_download(f"/media?filepath={quote(str(path))}", filename=path.name)
            return {"path": path.name}
        place = allowed.place(ctx.params["folder"]) / f"{run}{suffix}"
        allowed.free_file(place)
        path = export_report(ctx.dataset, run, place)
        ctx.ops.notify(f"The report is {path} on the machine of the App's server.", variant="success")
        return {"path": str(path)}


class AskQuestion(FormOperator):
    """Form → :func:`fiftyone_plugin.asking.ask`; sets the view to the images that show the phrase best."""

    NAME = "ask_question"
    LABEL = "ask about a phrase"
    DESCRIPTION = "Is a phrase of your own more true of one side of a comparison? Tested on all its images"
    ICON = "contact_support"
    SUBMIT = "Ask"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin import asking, hypotheses
        from fiftyone_plugin.forms import common as forms
        from latentdiff.errors import LatentDiffError, sentence

        chosen = forms.choose_run(inputs, ctx.dataset, complete=True, two_sides=True)
        if ctx.params.get("run") and not chosen.invalid:
            try:
                problem = asking.can_ask(hypotheses.open_comparison(ctx.dataset, ctx.params["run"]))
            except LatentDiffError as e:
                problem = sentence(e)
            if problem:
                forms.reject(chosen, problem)
        inputs.str("phrase", label="Phrase", description="A word or a few, such as: a dog on a beach", required=True)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import asking, hypotheses, questions

        run = hypotheses.open_comparison(ctx.dataset, str(ctx.params["run"]))
        answer = asking.ask(run, ctx.params["phrase"])
        names = {side: run.sides[side].name for side in "AB"}
        return {**questions.keep_question(run, answer), "run": run.name, "ids": answer.ids, "names": names}


class KeepAnswer(FormOperator):
    """Form → :func:`fiftyone_plugin.questions.keep_images`."""

    NAME = "keep_answer"
    LABEL = "keep a question's images"
    DESCRIPTION = "Save the images that show a phrase best as a view, or tag them"
    ICON = "bookmark_add"
    SUBMIT = "Keep"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import questions

        questions.choose_answer(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses, questions
        from latentdiff.report.text import images

        run = hypotheses.open_comparison(ctx.dataset, str(ctx.params.get("run")))
        names = {name: str(ctx.params.get(name) or "") for name in ("view", "tag")}
        side, overwrite, onto = str(ctx.params.get("side")), bool(ctx.params.get("overwrite")), bool(ctx.params.get("onto"))
        count = questions.keep_images(run, str(ctx.params.get("phrase")), side, overwrite=overwrite, onto=onto, **names)
        ctx.ops.reload_dataset()
        kept = " and ".join(f"{what} {name.strip()!r}" for what, name in names.items() if name.strip())
        ctx.ops.notify(f"{images(count)}: {kept}.", variant="success")
        return {"count": count, "side": side}
