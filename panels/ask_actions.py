"""What the panel does with a question: take the phrase, ask, show the answer's images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLUGIN = "@latentdiff/latentdiff"
PHRASE = "ask.row.phrase"
"""Where the App keeps what is typed: the text field's place in the panel. Nothing is sent, or drawn anew, at every letter."""


class AskActions:
    """Handlers of the tab where one asks about a phrase; a part of the panel."""

    show_view: Callable[[Any, Any], bool]
    """Sets the App's view: ``CardActions.show_view``."""

    def ask(self, ctx: Any) -> None:
        """Ask about the phrase that was typed."""
        phrase = str(ctx.panel.get_state(PHRASE) or "").strip()
        if not phrase:
            ctx.ops.notify("Type a word or a few first, such as: a dog on a beach", variant="info")
            return
        answers = {"run": ctx.panel.state.run, "phrase": phrase}
        ctx.ops.notify(f"Testing “{phrase}” on all images …", variant="info")
        ctx.prompt(f"{PLUGIN}/ask_question", params=answers, skip_prompt=True, on_success=self.answered, on_error=self.unanswered)

    def answered(self, ctx: Any) -> None:
        """Keep the answer, for the tab to show."""
        ctx.panel.state.answer = ctx.params.get("result")

    def unanswered(self, ctx: Any) -> None:
        """Say why there is no answer."""
        said = str(ctx.params.get("error_message") or ctx.params.get("error") or "no reason was given").strip().splitlines()[-1]
        ctx.ops.notify(f"The question was not answered: {said}", variant="error")

    def show_answer(self, ctx: Any) -> None:
        """Set the App's view to the images of one side that show the phrase best."""
        from fiftyone_plugin import hypotheses

        answer, side = ctx.panel.state.answer, ctx.params.get("side")
        if answer and side in answer["ids"]:
            self.show_view(ctx, lambda: hypotheses.open_comparison(ctx.dataset, answer["run"]).sides[side].select(answer["ids"][side]))
