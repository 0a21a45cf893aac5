"""What the panel does with what one knows: set it aside, and take it back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .reasons import reason

PAST = "_past_"


class KnownActions:
    """Handlers of "I know this: what else?"; a part of the panel."""

    ask_to_compare: Callable[..., None]
    """Opens a form that compares: ``RunActions.ask_to_compare``."""
    open_run: Callable[[Any], None]
    update: Callable[[Any], None]

    def set_aside(self, ctx: Any) -> None:
        """Compare again, past what was known and this."""
        self._again(ctx, lambda known: [*known, str(ctx.params.get("known"))])

    def take_back(self, ctx: Any) -> None:
        """Open the comparison that does not look past this; compare where there is none."""
        from latentdiff.results.known import same_known

        self._again(ctx, lambda known: [k for k in known if not same_known(k, str(ctx.params.get("known")))])

    def _again(self, ctx: Any, change: Callable[[list[str]], list[str]]) -> None:
        from fiftyone_plugin import form_nonce
        from fiftyone_plugin.forms import sides as side_choices
        from fiftyone_plugin.forms.choices import BETWEEN, listed
        from fiftyone_plugin.store.runs import list_comparisons
        from latentdiff.errors import LatentDiffError, sentence

        run = str(ctx.params.get("run"))
        try:
            answers = side_choices.answers_for(ctx.dataset, run)
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            self.update(ctx)
            return
        given = change(list(listed(answers.get("given"))))
        name = run_past(run, given)
        if name in list_comparisons(ctx.dataset):
            ctx.params["run"] = name
            self.open_run(ctx)
            return
        known = bool(answers.get("words") or answers.get("vocabulary") or answers.get("concepts"))
        if known:
            ctx.ops.notify(f"Comparing past {', '.join(given)} …" if given else "Comparing …", variant="info")
        # Of a comparison that was made in Python the form's answers are not known: the form opens, and asks for words.
        params = {**answers, "given": f"{BETWEEN} ".join(given), "run": name, **form_nonce.parameter()}
        self.ask_to_compare(ctx, "compare_views", params=params, skip_prompt=known, on_error=self.not_compared)

    def not_compared(self, ctx: Any) -> None:
        """Say why there is no comparison past it."""
        ctx.ops.notify(f"Nothing was compared. {reason(ctx.params)}", variant="error")


def run_past(run: str, given: list[str]) -> str:
    """Name of the comparison that looks past some things: that of the first one, and theirs."""
    first = run.partition(PAST)[0]
    words = "_".join(re.sub(r"\W+", "_", known).strip("_").lower() or "known" for known in given)
    return f"{first}{PAST}{words}"[:100] if given else first
