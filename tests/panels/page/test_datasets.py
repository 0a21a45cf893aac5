"""What the page says of datasets when FiftyOne's database is not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASK = """
from fiftyone_plugin.panels.page.work import choices_of, dataset_names
from latentdiff.errors import RunError
try:
    dataset_names()
except RunError as e:
    print(e)
print(choices_of("some"))
"""


def test_a_database_that_does_not_answer_is_said_in_words(root) -> None:
    nobody = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"
    environment = {**os.environ, "FIFTYONE_DATABASE_URI": nobody, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"]))}
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=environment, check=True)
    said, choices = done.stdout.splitlines()[-2:]
    assert said.startswith("looking for datasets stopped: the database does not answer")
    assert choices == "([], [])"


def test_a_database_that_does_not_start_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo
    from fiftyone.core.service import ServiceListenTimeout
    from fiftyone_plugin.panels.page.work import dataset_names

    from latentdiff.errors import RunError

    def fails() -> list[str]:
        raise ServiceListenTimeout("DatabaseService")

    monkeypatch.setattr(fo, "list_datasets", fails)
    with pytest.raises(RunError, match="looking for datasets stopped: the database does not answer"):
        dataset_names()
