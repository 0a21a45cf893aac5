"""The forms of the operators: fresh, with each choice that unfolds more, with wrong answers; on the dataset of :mod:`.many`."""

from __future__ import annotations

from typing import Any

from .many import NAME
from .stage import Stage, State

LABELLED = "//*[@role='dialog']//*[normalize-space(text())='{label}' or normalize-space(text())='{label} *']/following::"


def box(stage: Stage, label: str, kind: str = "*[@role='combobox']") -> Any:
    """The first input of a kind after a label in the open form."""
    return stage.page.locator(f"xpath={LABELLED.format(label=label)}{kind}[1]").first


def choose(stage: Stage, **answers: str) -> None:
    """Answer drop-downs by their labels."""
    for label, option in answers.items():
        box(stage, label).wait_for()
        stage.app.choose(box(stage, label), option)
        stage.page.wait_for_timeout(1200)


def fill(stage: Stage, label: str, text: str) -> None:
    """Type into a text field."""
    field = box(stage, label, "*[self::input or self::textarea]")
    field.fill(text)
    stage.page.wait_for_timeout(1200)


def opened(stage: Stage, operator: str, wait: str = "", dataset: str = NAME) -> None:
    """A dataset, and the form of one of our operators."""
    if stage.page.get_by_role("listbox").count():  # of a state that failed
        stage.page.keyboard.press("Escape")
    stage.app.close_dialogs()
    if f"/datasets/{dataset}" not in stage.page.url:
        stage.page.goto("about:blank")
        stage.app.open(dataset, "LatentDiff")
        stage.page.wait_for_timeout(2000)
    stage.page.set_viewport_size({"width": 3600, "height": 1000})  # the operator browser's button hides where the grid is narrow
    stage.page.click('[data-cy="action-browse-operations"]')
    stage.page.get_by_placeholder("Search operations by name...").fill(f"LatentDiff: {operator}")
    stage.page.get_by_text(f"LatentDiff: {operator}", exact=True).first.click()
    stage.page.get_by_role("dialog").get_by_role("button").last.wait_for()
    stage.page.set_viewport_size({"width": 1600, "height": 1000})
    stage.page.wait_for_timeout(2000)


COMPARE = "compare two views"


def _compare(stage: Stage, *choices: dict[str, str]) -> None:
    opened(stage, COMPARE)
    for some in choices:
        choose(stage, **some)


OPENED = "harbour_vs_old_town"
SIDES = {"View A": "Saved view: harbour", "View B": "Saved view: old town"}


def compare_same(stage: Stage) -> None:
    """Both sides by a field, with the same answer."""
    _compare(stage, {"View A": "Images by a field …"}, {"Field of A": "site"}, {"Value of A": "harbour"})
    choose(stage, **{"View B": "Images by a field …"})
    choose(stage, **{"Field of B": "site"})
    choose(stage, **{"Value of B": "harbour"})


def compare_server(stage: Stage) -> None:
    """A vision server: what will be sent."""
    _compare(stage, SIDES, {"Describe images": "By a vision server, which is sent images"})
    fill(stage, "Server", "http://localhost:8000/v1")
    fill(stage, "Model", "llava")


def compare_name(stage: Stage) -> None:
    """A name that exists, and one that is none."""
    _compare(stage, SIDES)
    fill(stage, "Name of this comparison", "by_site")


def gap(stage: Stage) -> None:
    """Close the gap."""
    opened(stage, "find images that close the gap")
    choose(stage, Comparison=OPENED)
    choose(stage, Pool="The whole dataset")


def _form(operator: str, *answers: tuple[str, str], dataset: str = NAME) -> State:
    def state(stage: Stage) -> None:
        opened(stage, operator, dataset=dataset)
        for label, option in answers:
            choose(stage, **{label: option})

    state.__doc__ = f"{operator}{': ' * bool(answers)}{', '.join(option for _, option in answers)}"
    return state


def _run(stage: Stage, operator: str, button: str, seconds: float, *answers: tuple[str, str]) -> None:
    _form(operator, *answers)(stage)
    stage.page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()
    stage.page.wait_for_timeout(1000 * seconds)


def progress(stage: Stage) -> None:
    """An operator at work, with its Cancel."""
    opened(stage, "train a sparse autoencoder")
    fill(stage, "Folder", str(stage.folder / "trained"))
    fill(stage, "Concepts", "8192")
    fill(stage, "Active concepts", "32")
    stage.page.get_by_role("dialog").get_by_role("button", name="Train", exact=True).click()
    stage.page.wait_for_selector("text=Cancel")
    stage.page.wait_for_timeout(4000)
    stage.after(lambda: stage.page.get_by_role("button", name="Cancel").last.click())


BOTH = (("View A", "Saved view: harbour"), ("View B", "Saved view: old town"))
STATES: dict[str, State] = {
    "form_compare": _form(COMPARE),
    "form_compare_saved": _form(COMPARE, BOTH[0]),
    "form_compare_tag": _form(COMPARE, ("View A", "Images with a tag …"), ("Tag of A", "harbour"), ("View B", "Everything else")),
    "form_compare_field": _form(COMPARE, ("View A", "Images by a field …"), ("Field of A", "score")),
    "form_compare_dataset": _form(COMPARE, ("View A", "Another dataset …")),
    "form_compare_words": _form(COMPARE, *BOTH, ("Words", "A file of words")),
    "form_compare_sae": _form(COMPARE, *BOTH, ("Concepts", "A sparse autoencoder of mine")),
    "form_compare_captions": _form(COMPARE, *BOTH, ("Describe images", "By captions in a field"), ("Captions", "caption")),
    "form_compare_baseline": _form(COMPARE, *BOTH, ("Method", "Difference of means: words along it")),
    "form_compare_ray": _form(COMPARE, *BOTH, ("Where it runs", "On a Ray cluster: for millions of images")),
    "form_compare_same": compare_same,
    "form_compare_server": compare_server,
    "form_compare_name": compare_name,
    "form_embed": _form("compute embeddings"),
    "form_embed_other": _form("compute embeddings", ("Encoder", "Another: of open_clip, transformers or a folder")),
    "form_declare": _form("say which encoder made vectors"),
    "form_measure": _form("measure picture quality"),
    "form_groups": _form("compare groups"),
    "form_groups_dates": _form("compare groups", ("Groups", "taken")),
    "form_gap_fresh": _form("find images that close the gap"),
    "form_gap": gap,
    "form_ask": _form("ask about a phrase", ("Comparison", OPENED)),
    "form_export": _form("export a report", ("Comparison", OPENED)),
    "form_export_server": _form("export a report", ("Comparison", OPENED), ("Where to", "Into a folder of the App's server")),
    "form_name": _form("name a comparison's differences", ("Comparison", OPENED)),
    "form_delete": _form("delete a comparison", ("Comparison", OPENED)),
    "form_rename": _form("rename a comparison", ("Comparison", OPENED)),
    "form_train": _form("train a sparse autoencoder"),
    "form_progress": progress,
    "form_drop": _form("drop a kept sparse autoencoder"),
    "form_noisy": _form("build a Noisy-Diff pair"),
}
