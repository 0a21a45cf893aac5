"""What the panel does in its tabs: points picked in plots, and questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .layout import CONCEPTS, MAP, SCORES
from .reasons import reason
from .sent import send_traces
from .stored import opened
from .style import typed


class PlotActions:
    """Handlers of the plots; a part of the panel."""

    update: Callable[[Any], None]
    """Looks again: ``RunActions.update``."""
    show_view: Callable[..., bool]
    """Sets the App's view: ``CardActions.show_view``."""

    draw_map: Callable[..., None]
    """Sends what the map draws: ``MapActions.draw_map``."""

    def draw_tab(self, ctx: Any, run: Any) -> None:
        """Send what the plot of the open tab draws, and that alone: the App draws the whole panel after each thing that is sent."""
        from .figures import histogram, score_range, volcano

        tab = ctx.panel.state.page
        if tab == MAP:
            self.draw_map(ctx)
        elif tab == CONCEPTS:
            send_traces(ctx, "concepts.volcano", volcano(run))
        elif tab == SCORES:
            low, high = score_range(run)
            ctx.panel.state.span = [low, high] if high > low else None
            send_traces(ctx, "scores.histogram", histogram(run))

    def on_change_tab(self, ctx: Any) -> None:
        """Another tab."""
        tab = ctx.params.get("value")
        if tab and tab != ctx.panel.state.page:
            ctx.panel.state.page = tab
            run = self._run(ctx) if tab in (MAP, CONCEPTS, SCORES) else None
            if run is not None:
                self.draw_tab(ctx, run)

    def brush(self, ctx: Any) -> None:
        """Show the images under the bars that were brushed."""
        from .figures import brushed

        self._between(ctx, brushed(ctx.params.get("data")))

    def click_bar(self, ctx: Any) -> None:
        """Show the images of one bar."""
        from .figures import brushed

        self._between(ctx, brushed([ctx.params]))

    def slide(self, ctx: Any) -> None:
        """Show the images between the slider's ends."""
        value = ctx.params.get("value")
        if isinstance(value, (list, tuple)) and len(value) == 2 and list(value) != (ctx.panel.state.range or ctx.panel.state.span):
            self._between(ctx, (float(value[0]), float(value[1])))

    def _between(self, ctx: Any, ends: tuple[float, float] | None) -> None:
        from fiftyone_plugin import hypotheses

        if ends is None or list(ends) == ctx.panel.state.range:  # a plot that is drawn anew says again what was brushed
            return
        run = self._run(ctx)
        if run is not None:
            said = f"the images with a score from {ends[0]:.2f} to {ends[1]:.2f}"
            self.show_view(ctx, lambda: hypotheses.score_view(run, *ends), said, list(ends))

    def forget_grid(self, ctx: Any) -> None:
        """Say no more whose images the grid shows; the slider spans all scores again."""
        ctx.panel.state.set({"range": None, "grid_shows": None})

    def say_grid(self, ctx: Any) -> bool:
        """Say whose images the grid shows where an operator made it show them; whether one did."""
        from fiftyone_plugin.showing import noted, of_stages

        what = noted(ctx.view)
        if what and what != ctx.panel.state.grid_shows:
            ctx.panel.state.set({"grid_shows": what, "grid_view": of_stages(ctx.view), "range": None})
        return what is not None

    def click_concept(self, ctx: Any) -> None:
        """Say what a point is, and show its images where they are known."""
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.showing import shown_of

        from .figures import concept_row, concept_text, shown_by

        run = self._run(ctx)
        row = concept_row(run, ctx.params.get("id")) if run else None
        if run is None or row is None:
            return
        candidate = shown_by(run)(row)
        said = "It was not ranked among the candidates, so its images are not kept."
        what = shown_of(run, candidate, candidate.side) if candidate is not None else ""
        if candidate is not None and self.show_view(ctx, lambda: hypotheses.best_view(run, candidate, candidate.side), what):
            name = run.sides[candidate.side].name
            said = f"The grid shows its images in {name}."
            if candidate.concept != int(ctx.params["id"]):
                said = f"Of the concepts that mean the same one is kept, “{candidate.text}”: the grid shows its images in {name}."
        ctx.panel.state.point = {**concept_text(run, row), "said": said}

    def _run(self, ctx: Any) -> Any:
        """The comparison that is open; None, and said, where it is gone."""
        from fiftyone_plugin import hypotheses

        return opened(self, ctx, hypotheses.open_comparison)


PLUGIN = "@latentdiff/latentdiff"
PHRASE = "ask.row.phrase"
"""Where the App keeps what is typed: the text field's place in the panel. Nothing is sent, or drawn anew, at every letter."""


class AskActions:
    """Handlers of the tab where one asks about a phrase; a part of the panel."""

    show_view: Callable[..., bool]
    """Sets the App's view: ``CardActions.show_view``."""
    update: Callable[[Any], None]
    """Looks again: ``RunActions.update``."""

    def ask(self, ctx: Any) -> None:
        """Ask about the phrase that was typed."""
        from fiftyone_plugin import form_nonce

        phrase = typed(ctx, PHRASE).strip()
        if not phrase:
            ctx.ops.notify("Type a word or a few first, such as: a dog on a beach", variant="info")
            return
        answers = {"run": ctx.panel.state.run, "phrase": phrase, **form_nonce.parameter()}
        ctx.ops.notify(f"Testing “{phrase}” on all images …", variant="info")
        ctx.prompt(f"{PLUGIN}/ask_question", params=answers, skip_prompt=True, on_success=self.answered, on_error=self.unanswered)

    def answered(self, ctx: Any) -> None:
        """Show the answer, and list its question among the earlier ones."""
        result = ctx.params.get("result")
        self.update(ctx)
        self._tell(ctx, result)

    def open_question(self, ctx: Any) -> None:
        """Show the answer to a question that was asked earlier."""
        from fiftyone_plugin import hypotheses, questions
        from latentdiff.errors import LatentDiffError, sentence

        try:
            run = hypotheses.open_comparison(ctx.dataset, str(ctx.params.get("run")))
            kept = questions.find_question(run, ctx.params.get("phrase"))
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            self.update(ctx)
            return
        self._tell(ctx, {**kept, "run": run.name, "names": {side: run.sides[side].name for side in "AB"}})

    def keep_answer(self, ctx: Any) -> None:
        """Ask for a view's name or a tag, for the images of the answer."""
        answer = ctx.panel.state.answer
        if answer:
            answers = {"run": answer["run"], "phrase": answer["phrase"], "side": ctx.params.get("side")}
            ctx.prompt(f"{PLUGIN}/keep_answer", params=answers)

    def _tell(self, ctx: Any, answer: dict[str, Any] | None) -> None:
        from .cards import answer_thumbnails

        if answer is None:
            return
        pictures = answer_thumbnails(ctx.dataset, answer)
        ctx.panel.state.answer = {**answer, "pictures": {side: len(pictures[side]) for side in "AB"}}
        strips = {f"strip_{side}": {f"image_{i}": address for i, address in enumerate(pictures[side])} for side in "AB"}
        ctx.panel.set_data({"ask": {"answer": strips}})

    def unanswered(self, ctx: Any) -> None:
        """Say why there is no answer."""
        ctx.ops.notify(f"The question was not answered. {reason(ctx.params)}", variant="error")

    def show_answer(self, ctx: Any) -> None:
        """Set the App's view to the images of one side that show the phrase best."""
        from fiftyone_plugin import hypotheses

        answer, side = ctx.panel.state.answer, ctx.params.get("side")
        if not answer or side not in answer["ids"]:
            return
        ids = answer["ids"][side]
        what = f"the {len(ids):,} best of “{answer['phrase']}” in {answer['names'][side]}"
        self.show_view(ctx, lambda: hypotheses.open_comparison(ctx.dataset, answer["run"]).sides[side].select(ids), what)
