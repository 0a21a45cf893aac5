"""What the Gradio page offers of FiftyOne's datasets."""

from __future__ import annotations


def dataset_names() -> list[str]:
    """Names of the datasets, as FiftyOne lists them.

    Raises:
        RunError: the database does not answer.
    """
    import fiftyone as fo

    from fiftyone_plugin import database

    with database.explained("looking for datasets"):
        return list(fo.list_datasets())


def choices_of(name: str | None) -> tuple[list[str], list[str]]:
    """Saved views and vector fields of a dataset; none where it cannot be opened (any more)."""
    from fiftyone_plugin.runs import as_dataset
    from fiftyone_plugin.sides import vector_fields
    from latentdiff.errors import LatentDiffError

    if not name:
        return [], []
    try:
        dataset = as_dataset(name)
    except LatentDiffError:
        return [], []
    return list(dataset.list_saved_views()), vector_fields(dataset)
