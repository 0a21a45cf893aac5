"""Operator: show the Gradio page, which compares folders and zip files too, inside the App."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class OpenPage(foo.Operator):
    """Starts the page of this process where it is not served yet, and frames it."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="open_page",
            label="LatentDiff: compare folders or zip files",
            description="A page for sets of images that are in no dataset; on this machine only",
            icon="web",
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Compare folders or zip files (LatentDiff)", icon="web", prompt=False)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.panels.gradio_serve import open_page

        return {"url": open_page().url}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        url = ctx.results.get("url") if ctx.results else None
        outputs.str("url", label="Address", view=types.View(component="LatentDiffPage", composite_view=True, url=url))
        return types.Property(outputs, view=types.View(label="Compare folders or zip files"))
