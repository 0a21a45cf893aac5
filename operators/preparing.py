"""Operators before a comparison: image vectors, concepts, Noisy-Diff views, and the Gradio page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

from .base import FormOperator


class ComputeEmbeddings(FormOperator):
    """Form → :func:`compute_embeddings`; at once with a live bar, or delegated."""

    NAME = "compute_embeddings"
    LABEL = "compute embeddings"
    DESCRIPTION = "One vector per image, written as they are made; start it again to go on where it was stopped"
    ICON = "scatter_plot"
    SUBMIT = "Compute"
    LONG = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import common as forms

        ctx.target_view()  # asks FiftyOne for its choice between the dataset and what is shown
        forms.choose_encoder(inputs, ctx.params)
        forms.name_vectors(inputs, ctx.dataset, ctx.params)
        text = "Brightness, sharpness, noise and more, written to the field measures and compared beside what the pictures show"
        inputs.bool("measures", label="Measure picture quality too", description=text, default=False)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.embedding import compute_embeddings
        from fiftyone_plugin.forms import common as forms
        from fiftyone_plugin.running import shown
        from latentdiff.report.text import images

        def work(progress: Any) -> Any:
            return compute_embeddings(
                ctx.target_view(),
                forms.chosen_encoder(ctx.params),
                ctx.params.get("field") or "clip",
                batch_size=ctx.params.get("batch_size") or None,
                overwrite=bool(ctx.params.get("overwrite")),
                measures="measures" if ctx.params.get("measures") else None,
                progress=progress,
            )

        done = yield from shown(ctx, work)
        if ctx.delegated:
            return
        text = f"{images(done.encoded)} {'has' if done.encoded == 1 else 'have'} a vector now; {done.kept:,} had one."
        if done.failures:
            text += f" {len(done.failures):,} could not be read: see the field {done.field}_error."
        yield ctx.ops.reload_dataset()
        yield ctx.ops.notify(text, variant="warning" if done.failures else "success")


class ComputeMeasures(FormOperator):
    """Form → :func:`compute_measures`; at once with a live bar, or delegated."""

    NAME = "compute_measures"
    LABEL = "measure picture quality"
    DESCRIPTION = "How bright, sharp, noisy, colourful and compressed each image is, as fields that comparisons can test"
    ICON = "tune"
    SUBMIT = "Measure"
    LONG = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        ctx.target_view()  # asks FiftyOne for its choice between the dataset and what is shown
        text = "Field that gets brightness, sharpness, noise and more of each image"
        inputs.str("field", label="Field name", description=text, default="measures", required=True)
        inputs.bool("overwrite", label="Measure again what was measured already", default=False)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.measuring import compute_measures
        from fiftyone_plugin.running import shown
        from latentdiff.report.text import images

        def work(progress: Any) -> Any:
            field, overwrite = ctx.params.get("field") or "measures", bool(ctx.params.get("overwrite"))
            return compute_measures(ctx.target_view(), field, overwrite=overwrite, progress=progress)

        done = yield from shown(ctx, work)
        if ctx.delegated:
            return
        text = f"{images(done.measured)} {'was' if done.measured == 1 else 'were'} measured; {done.kept:,} had been."
        text += f" {len(done.failed):,} could not be read." if done.failed else ""
        yield ctx.ops.reload_dataset()
        yield ctx.ops.notify(text, variant="warning" if done.failed else "success")


class TrainSae(FormOperator):
    """Form → :func:`train_sae`; at once with a live bar, or delegated."""

    NAME = "train_sae"
    LABEL = "train a sparse autoencoder"
    DESCRIPTION = "Learn the concepts that image vectors are made of, and keep them in a folder for comparisons"
    ICON = "hub"
    SUBMIT = "Train"
    LONG = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import common as forms
        from fiftyone_plugin.forms.training import choose_training

        ctx.target_view()  # asks FiftyOne for its choice between the dataset and what is shown
        forms.choose_vectors(inputs, ctx.dataset, ctx.params)
        choose_training(inputs, ctx.params)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.forms.training import chosen_training
        from fiftyone_plugin.running import shown
        from fiftyone_plugin.training import train_sae

        def work(progress: Any) -> Any:
            return train_sae(ctx.target_view(), ctx.params["embeddings"], progress=progress, **chosen_training(ctx.params))

        sae = yield from shown(ctx, work)
        if not ctx.delegated:
            report = sae.info["training"]
            text = f"{sae.concepts:,} concepts explain {report['explained_variance']:.0%} of the variance; saved in {ctx.params['folder']}."
            yield ctx.ops.notify(text, variant="success")


class DropSae(FormOperator):
    """Form → :meth:`latentdiff.KeptSae.drop`."""

    NAME = "drop_sae"
    LABEL = "drop a kept sparse autoencoder"
    DESCRIPTION = "The concepts of a field are learnt once and kept for its comparisons; the next one learns them anew"
    ICON = "layers_clear"
    SUBMIT = "Drop"
    FIXED = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import choices
        from fiftyone_plugin.forms import common as forms

        kept = choices.kept_titles()
        text, empty = "What comparisons on the App's machine keep", "None is kept."
        forms.choose(inputs, "sae", "Sparse autoencoder", list(kept), labels=list(kept.values()), description=text, empty=empty)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from latentdiff.sae.kept import find_kept

        found = find_kept(str(ctx.params["sae"]))
        found.drop()
        return {"dropped": found.name}


class BuildNoisyDiff(FormOperator):
    """Form → :func:`build_noisy_diff`."""

    NAME = "build_noisy_diff"
    LABEL = "build a Noisy-Diff pair"
    DESCRIPTION = "Two saved views of one class, each with a rare attribute that the other lacks, and the truth in a run"
    ICON = "call_split"
    SUBMIT = "Build"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms.noisy_diff import choose_pair

        choose_pair(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.forms.noisy_diff import chosen_pair
        from fiftyone_plugin.noisy_diff import build_noisy_diff

        made = build_noisy_diff(ctx.dataset, **chosen_pair(ctx.params))
        ctx.ops.reload_dataset()
        return {"view_a": made.view_a, "view_b": made.view_b, "planted_a": len(made.planted_a), "planted_b": len(made.planted_b)}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.str("view_a", label="View A")
        outputs.str("view_b", label="View B")
        outputs.int("planted_a", label="Images of A that show its attribute")
        outputs.int("planted_b", label="Images of B that show its attribute")
        return types.Property(outputs, view=types.View(label="Noisy-Diff pair"))


class OpenPage(FormOperator):
    """Starts the page of this process where it is not served yet, and frames it."""

    NAME = "open_page"
    LABEL = "compare folders or zip files"
    DESCRIPTION = "A page for sets of images that are in no dataset; on this machine only"
    ICON = "web"
    SHOWS_ONLY = True

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.panels.page.serve import open_page

        return {"url": open_page().url}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        url = ctx.results.get("url") if ctx.results else None
        outputs.str("url", label="Address", view=types.View(component="LatentDiffPage", composite_view=True, url=url))
        return types.Property(outputs, view=types.View(label="Compare folders or zip files"))
