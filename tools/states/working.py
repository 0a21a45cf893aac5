"""What one does in the panel: asks, judges, sorts, keeps, names, sets aside; and what goes wrong."""

from __future__ import annotations

from . import photos
from .stage import Stage
from .steps import asked, asking, click_icon, open_run


def ask_unknown(stage: Stage) -> None:
    """No encoder is recorded."""
    open_run(stage, tab="Ask")


def ask_answer(stage: Stage) -> None:
    """An answer."""
    asking(stage)
    asked(stage, "snow")


def ask_earlier(stage: Stage) -> None:
    """A question that was asked earlier, opened again."""
    asking(stage)
    for phrase in ("a red car", "a dog", "night"):
        asked(stage, phrase)
    stage.page.get_by_role("button", name="a red car", exact=True).click()
    stage.page.wait_for_selector("h6 >> text=a red car")


def ask_nothing(stage: Stage) -> None:
    """Asked without a phrase."""
    asking(stage)
    stage.page.get_by_role("button", name="Ask", exact=True).click()
    stage.page.wait_for_timeout(1000)


def ask_keep(stage: Stage) -> None:
    """Save or tag the images of an answer."""
    asking(stage)
    asked(stage, "snow")
    click_icon(stage, "Save the 24 best of winter as a view, or tag them")


def judge_form(stage: Stage) -> None:
    """Rename, note, merge."""
    open_run(stage, "fields")
    click_icon(stage, "Rename it, note something")


def judged(stage: Stage) -> None:
    """One accepted, renamed and noted, one rejected, one a part of another."""
    from fiftyone_plugin import load_comparison
    from fiftyone_plugin.feedback import judge_finding, undo_feedback

    dataset, run = stage.scenes.dataset, "fields_too"
    dataset.reload()
    own = [h.text for h in load_comparison(dataset, run).top("A", 9)]
    said: list[tuple[str, dict[str, str]]] = [(own[0], {"state": "accepted", "name": "a beach with a boat", "note": "seen in June"})]
    said += [(own[1], {"state": "rejected"}), (own[3], {"merged": own[0]})]
    for text, what in said:
        judge_finding(dataset, run, text, **what)
        stage.after(lambda: undo_feedback(dataset, run))
    open_run(stage, run)
    stage.app.button("Refresh").click()
    stage.page.wait_for_selector("text=Undo:")


def _arranging(stage: Stage, run: str) -> None:
    open_run(stage, run)
    stage.app.button("Sort, filter or search the differences").click()
    stage.page.get_by_role("combobox").filter(has_text="Best first").wait_for()
    stage.after(lambda: stage.app.button("Sort, filter or search the differences").click())


def arranged(stage: Stage) -> None:
    """Cards grouped by what found them."""
    _arranging(stage, "fields")
    stage.app.choose(stage.page.get_by_role("combobox").filter(has_text="Best first"), "By what found it")
    stage.page.wait_for_timeout(1500)
    stage.after(lambda: stage.app.choose(stage.page.get_by_role("combobox").filter(has_text="By what found it"), "Best first"))


def _search(stage: Stage, words: str) -> None:
    field = stage.page.locator("[data-cy=panel-content-latentdiff_panel]").get_by_role("textbox").last
    field.fill(words)
    stage.page.keyboard.press("Enter")
    stage.page.wait_for_timeout(1500)


def searched(stage: Stage) -> None:
    """Cards with a word."""
    _arranging(stage, "fields")
    _search(stage, "surf")
    stage.after(lambda: _search(stage, ""))


def searched_in_vain(stage: Stage) -> None:
    """No card has the word."""
    _arranging(stage, "fields")
    _search(stage, "zeppelin")
    stage.after(lambda: _search(stage, ""))


def export_form(stage: Stage) -> None:
    """Export a report."""
    open_run(stage)
    stage.app.button("Export a report").click()
    stage.page.get_by_role("dialog").get_by_role("combobox").nth(2).wait_for()


def save_form(stage: Stage) -> None:
    """Save a card's images, under a name that is taken."""
    open_run(stage)
    click_icon(stage, "Save these images as a view")
    stage.page.get_by_role("dialog").get_by_role("textbox").last.fill(stage.scenes.views[0])
    stage.page.wait_for_selector("text=already; choose another name")


def tag_form(stage: Stage) -> None:
    """Tag a card's images, with a tag that exists."""
    open_run(stage)
    click_icon(stage, "Tag these images")
    stage.page.get_by_role("dialog").get_by_role("textbox").last.fill(stage.scenes.views[0])
    stage.page.wait_for_timeout(2000)


def wordless(stage: Stage) -> None:
    """A comparison without words: name it later."""
    open_run(stage, "wordless")


def name_form(stage: Stage) -> None:
    """Which words name it."""
    open_run(stage, "wordless")
    stage.app.button("Name the differences").click()
    stage.page.get_by_role("dialog").get_by_role("combobox").first.wait_for()
    stage.page.wait_for_timeout(1500)


def looking_past(stage: Stage) -> None:
    """What is known is set aside."""
    from fiftyone_plugin import delete_comparison

    open_run(stage, "fields", "Fields")
    stage.page.get_by_role("button", name="I know this: what else?").first.click()
    stage.page.wait_for_selector("text=Looking past:")
    stage.page.wait_for_selector("[role=dialog]", state="detached")
    stage.app.tab("Differences")
    stage.page.wait_for_timeout(1500)

    def gone() -> None:
        open_run(stage)
        stage.scenes.dataset.reload()
        delete_comparison(stage.scenes.dataset, "fields_past_width")

    stage.after(gone)


def broken(stage: Stage) -> None:
    """A comparison that cannot be read."""
    open_run(stage, "broken")


def _delegated(stage: Stage, state: str) -> None:
    from bson import ObjectId
    from fiftyone.operators.delegated import DelegatedOperationService
    from fiftyone.operators.executor import ExecutionProgress, ExecutionResult

    from fiftyone_plugin.delegated import delegated_comparisons

    service = DelegatedOperationService()
    photos.delegate(stage.scenes, "by_worker")
    while not (waiting := delegated_comparisons(stage.scenes.dataset)):
        stage.page.wait_for_timeout(200)  # it is done by the event loop, which is Playwright's
    operation = ObjectId(waiting[0].id)
    stage.after(lambda: service.delete_operation(operation))
    if state == "running":
        service.set_running(operation)
        service.set_progress(operation, ExecutionProgress(0.4, "comparing concepts"))
    elif state == "failed":
        error = "latentdiff.errors.InputError: the dataset has no saved view 'winter'"
        service.set_failed(operation, result=ExecutionResult(error=error))
    open_run(stage)
    stage.app.button("Refresh").click()
    stage.page.wait_for_selector("text=by_worker")


def delegated_waiting(stage: Stage) -> None:
    """A comparison that waits for a worker."""
    _delegated(stage, "waiting")


def delegated_running(stage: Stage) -> None:
    """A comparison that a worker makes."""
    _delegated(stage, "running")


def delegated_failed(stage: Stage) -> None:
    """A comparison that failed at a worker."""
    _delegated(stage, "failed")
