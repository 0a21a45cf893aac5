"""Operator: write a stored comparison to a file, and hand it to the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

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
        from fiftyone_plugin import forms

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

        from fiftyone_plugin import export_report

        run, suffix = ctx.params["run"], ctx.params.get("format") or ".html"
        path = export_report(ctx.dataset, run, Path(ctx.params.get("folder") or "~").expanduser() / f"{run}{suffix}")
        ctx.ops.browser_download(f"/media?filepath={quote(str(path))}", filename=path.name)
        return {"path": str(path)}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.str("path", label="Written to")
        return types.Property(outputs)
