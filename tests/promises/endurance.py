"""Compares again and again in one process, as an App session does, and prints what the process holds before and after.

``python -m tests.promises.endurance COUNT FOLDER``: every comparison is made by the operator, opened by the panel, reported, tagged, saved
as a view and deleted with all that it wrote; every fifth goes through the Gradio page's work on folders of images.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import latentdiff
from tests.planted import WIDTH, WORDS, vectors

WARM = 5
"""Comparisons before the first measurement: what is imported, compiled and cached once is there then."""


def stored(dataset: Any) -> dict[str, Any]:
    """What lies in the database: documents of all kinds, stored results among them, fields, collections."""
    import fiftyone.core.odm as foo

    db = foo.get_db_conn()
    documents = {name: db[name].estimated_document_count() for name in ("runs", "views", "datasets", "fs.files", "fs.chunks")}
    return {"documents": documents, "fields": len(dataset.get_field_schema(flat=True)), "collections": len(db.list_collection_names())}


class Session:
    """A dataset, files, and one round of everything."""

    def __init__(self, folder: Path) -> None:
        import fiftyone as fo

        self.folder, self.process = folder, psutil.Process()
        eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
        latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32)).save(folder / "sae")
        np.savez(folder / "words.npz", words=np.array(WORDS), vectors=eye)
        self.dataset = fo.Dataset()
        self.dataset.persistent = False
        for name, rows in (("summer", vectors(60, 2 / 3, seed=1)), ("winter", vectors(80, 1 / 20, seed=2))):
            samples = [fo.Sample(filepath=f"/nowhere/{name}{i}.jpg", tags=[name], clip=row) for i, row in enumerate(rows)]
            self.dataset.add_samples(samples, progress=False)
            self.dataset.save_view(name, self.dataset.match_tags(name))
        self._images()

    def _images(self) -> None:
        from latentdiff.demo import setting_shift_pair

        pair = setting_shift_pair(24, 3, setting="snow", rates=(0.9, 0.1))
        for side in "AB":
            (self.folder / side).mkdir()
            for i, (image, _) in enumerate(pair.draw(side, size=64)):
                image.save(self.folder / side / f"{i}.jpg")

    def round(self, i: int) -> list[str]:
        """One comparison from the form to its deletion; what it found."""
        from fiftyone_plugin import delete_comparison, load_comparison
        from fiftyone_plugin.hypotheses import save_hypothesis_view, tag_hypothesis
        from fiftyone_plugin.reporting import export_report
        from tests.plugin.calls import execute, panel, shown

        run = f"run_{i}"
        self._compare(run)
        state = shown(panel(self.dataset, "on_load"))
        assert state["shown"]["board"]["name"] == run
        stored = load_comparison(self.dataset, run)
        best = stored.top("A", 1)[0]
        save_hypothesis_view(stored, best, "A", f"best {i}")
        tag_hypothesis(stored, best, "A", "seen")
        execute("show_hypothesis", self.dataset, run=run, hypothesis="0", side="A")
        export_report(self.dataset, run, self.folder / "report.html")
        self.dataset.delete_saved_view(f"best {i}")
        self.dataset.untag_samples("seen")
        delete_comparison(self.dataset, run)
        if i % 5 == 0:
            self._page(i)
        return [h.text for h in stored.hypotheses]

    def _compare(self, run: str) -> None:
        from fiftyone_plugin import compare_views
        from fiftyone_plugin.running import live
        from latentdiff.inputs.arrays import read_vocabulary

        vocabulary = read_vocabulary(self.folder / "words.npz")
        sae = str(self.folder / "sae")
        steps = live(  # in a thread of its own, as the App's operator does
            lambda progress: compare_views(
                self.dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run=run, progress=progress
            )
        )
        for _ in steps:
            pass

    def _page(self, i: int) -> None:
        from fiftyone_plugin.panels.page.cards import result
        from fiftyone_plugin.panels.page.sessions import Sessions
        from fiftyone_plugin.panels.page.settings import PageSettings
        from fiftyone_plugin.panels.page.work import Asked, answer

        sessions = Sessions(Path(tempfile.gettempdir()) / "sessions")  # where the page has them, and what stays is counted
        folder = sessions.get(f"tab {i}").fresh()
        asked = Asked(folder_a=str(self.folder / "A"), folder_b=str(self.folder / "B"), encoder="demo", words="snow\nbeach\nforest\ndog")
        found = answer(asked, PageSettings(encoder="demo", roots=(self.folder,)), folder, lambda fraction, label: None)
        result(found, folder, lambda fraction, label: None)
        sessions.close()

    def held(self) -> dict[str, Any]:
        """Memory, threads, open files and children of the process that compares; database connections, temporary files, what is stored."""
        import fiftyone.core.odm as foo

        self.settle()
        status = foo.get_db_client().admin.command("serverStatus")
        return {
            "memory": self.process.memory_info().rss,
            "threads": self.process.num_threads(),
            "files": self.process.num_fds(),
            "children": len(self.process.children(recursive=True)),
            "connections": status["connections"]["current"],
            "cursors": status["metrics"]["cursor"]["open"]["total"],
            "temporary": sum(1 for _ in Path(tempfile.gettempdir()).rglob("*")),
            **stored(self.dataset),
        }

    def settle(self) -> None:
        """Give back everything idle."""
        for _ in range(3):
            gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        time.sleep(0.5)

    def close(self) -> None:
        """Without the dataset."""
        self.dataset.delete()


def main(kind: type[Session]) -> None:
    """What a process of so many comparisons found and held, printed as JSON."""
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    with contextlib.redirect_stdout(io.StringIO()):
        session = kind(folder)
        try:
            found = again_and_again(session, count)
        finally:
            session.close()
    sys.__stdout__.write(json.dumps(found) + "\n")
    sys.__stdout__.flush()
    os._exit(0)  # FiftyOne's farewell to the database is not measured here


def again_and_again(session: Session, count: int) -> dict[str, Any]:
    """Rounds, and what was held before and after those that count."""
    texts = [session.round(i) for i in range(WARM)]
    before, course = session.held(), []
    for i in range(WARM, WARM + count):
        texts.append(session.round(i))
        if (i - WARM) % max(1, count // 10) == 0:
            course.append(session.process.memory_info().rss)
            print(f"{i - WARM} of {count}: {session.held()}", file=sys.stderr, flush=True)
    return {"before": before, "after": session.held(), "course": course, "alike": all(t == texts[0] for t in texts), "found": texts[0]}


if __name__ == "__main__":
    main(Session)
