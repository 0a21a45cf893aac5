"""Operators on a stored comparison: delete, rename, export, ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class DeleteComparison(foo.Operator):
    """Form → :func:`delete_comparison`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="delete_comparison",
            label="LatentDiff: delete a comparison",
            description="Remove a comparison and the two fields that it wrote, and nothing else",
            icon="delete_outline",
            dynamic=True,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Delete a comparison (LatentDiff)", icon="delete_outline", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin.forms import common as forms

        inputs = types.Object()
        forms.choose_run(inputs, ctx.dataset, complete=False)
        run = ctx.params.get("run")
        if run:
            text = f"Deletes the comparison, and the fields {run}_log_ratio and {run}_concepts. Images and other fields stay."
            inputs.view("notice", types.Notice(label=text))
        return types.Property(inputs, view=types.PromptView(label="Delete a comparison", submit_button_label="Delete"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.store.runs import delete_comparison

        delete_comparison(ctx.dataset, ctx.params["run"])
        ctx.ops.reload_dataset()
        return {"deleted": ctx.params["run"]}


class RenameComparison(foo.Operator):
    """Form → :func:`rename_comparison`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="rename_comparison",
            label="LatentDiff: rename a comparison",
            description="Another name for a comparison and the two fields that it wrote",
            icon="drive_file_rename_outline",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin.forms import common as forms

        inputs = types.Object()
        forms.choose_run(inputs, ctx.dataset, complete=True)
        forms.rename_run(inputs, ctx.dataset, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Rename a comparison", submit_button_label="Rename"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.store.runs import rename_comparison

        rename_comparison(ctx.dataset, ctx.params["run"], str(ctx.params.get("new") or ""))
        ctx.ops.reload_dataset()
        return {"renamed": ctx.params["run"], "new": ctx.params["new"]}


FORMATS = {".html": "Web page with thumbnails and plots", ".md": "Markdown", ".csv": "Table (CSV)", ".json": "JSON"}


class ExportReport(foo.Operator):
    """Form → :func:`export_report`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="export_report",
            label="LatentDiff: export a report",
            description="A comparison as one file to keep or to send: a web page, Markdown, CSV or JSON",
            icon="summarize",
            dynamic=True,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Export a report (LatentDiff)", icon="summarize", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin.forms import common as forms

        inputs = types.Object()
        forms.choose_run(inputs, ctx.dataset, complete=True)
        labels = list(FORMATS.values())
        kind = forms.choose(inputs, "format", "Format", list(FORMATS), labels=labels, description="What kind of file", empty="")
        kind.default = ".html"
        text = "A folder on the machine of the App's server; the file is named after the comparison"
        folder = inputs.str("folder", label="Folder", description=text, default="~", required=True)
        given = ctx.params.get("folder")
        if given and not Path(given).expanduser().is_dir():
            forms.reject(folder, f"There is no folder {given}.")
        return types.Property(inputs, view=types.PromptView(label="Export a report", submit_button_label="Export"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from urllib.parse import quote

        from fiftyone_plugin.reporting import export_report

        run, suffix = ctx.params["run"], ctx.params.get("format") or ".html"
        path = export_report(ctx.dataset, run, Path(ctx.params.get("folder") or "~").expanduser() / f"{run}{suffix}")
        ctx.ops.browser_download(f"/media?filepath={quote(str(path))}", filename=path.name)
        return {"path": str(path)}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.str("path", label="Written to")
        return types.Property(outputs)


class AskQuestion(foo.Operator):
    """Form → :func:`fiftyone_plugin.asking.ask`; sets the view to the images that show the phrase best."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="ask_question",
            label="LatentDiff: ask about a phrase",
            description="Is a phrase of your own more true of one side of a comparison? Tested on all its images",
            icon="contact_support",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import asking, hypotheses
        from fiftyone_plugin.forms import common as forms
        from latentdiff.errors import LatentDiffError, sentence

        inputs = types.Object()
        chosen = forms.choose_run(inputs, ctx.dataset, complete=True)
        if ctx.params.get("run") and not chosen.invalid:
            try:
                problem = asking.can_ask(hypotheses.open_comparison(ctx.dataset, ctx.params["run"]))
            except LatentDiffError as e:
                problem = sentence(e)
            if problem:
                forms.reject(chosen, problem)
        inputs.str("phrase", label="Phrase", description="A word or a few, such as: a dog on a beach", required=True)
        return types.Property(inputs, view=types.PromptView(label="Ask about a phrase", submit_button_label="Ask"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import asking, hypotheses

        run = hypotheses.open_comparison(ctx.dataset, str(ctx.params["run"]))
        answer = asking.ask(run, ctx.params["phrase"])
        found = answer.found
        return {
            "run": run.name,
            "phrase": found.text,
            "rates": {"A": found.rate_a, "B": found.rate_b},
            "auroc": found.auroc,
            "p_value": found.p_value,
            "ids": answer.ids,
        }
