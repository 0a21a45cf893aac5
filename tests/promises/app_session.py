"""An App's server that compares again and again for a browser, and what it holds before and after.

``python -m tests.promises.app_session COUNT FOLDER``: the server is a process of its own, as ``fiftyone app launch`` starts it. A session
listens to it all the time; for every comparison a window opens (a stream of events, as the App's page keeps one), draws the form, compares
with a live bar, opens the panel, shows, tags and saves a difference, exports a report, renames and deletes the comparison, and is closed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from fiftyone_plugin import form_nonce
from tests.plugin.calls import URI, shown
from tests.promises.endurance import Session, main

EVENTS = ("close_session", "deactivate_notebook_cell", "refresh", "select_samples", "set_spaces", "state_update")
"""What the App's page listens to."""


class AppSession(Session):
    """A dataset with its App."""

    def __init__(self, folder: Path) -> None:
        import fiftyone as fo

        super().__init__(folder)
        self.dataset.persistent = True  # the server is another process
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # Begun here, not by launch_app, which gives a busy machine a minute: it then finds the server that answers.
        command = [sys.executable, "main.py", "--port", str(self.port), "--address", "127.0.0.1"]
        environment = {**os.environ, "FIFTYONE_DISABLE_SERVICES": "1"}
        self.process = psutil.Popen(command, cwd=fo.constants.SERVER_DIR, env=environment, stdin=subprocess.DEVNULL)
        self._wait(self._answers)
        self.session = fo.launch_app(self.dataset, remote=True, address="127.0.0.1", port=self.port)
        self._wait(lambda: self.session._client._connected)
        self.nonce: dict[str, str] = {}

    def _wait(self, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 600
        while not until():
            assert time.monotonic() < deadline and self.process.poll() is None, "the App's server does not answer"
            time.sleep(0.1)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", "/fiftyone")
            return connection.getresponse().status == 200
        return False

    def close(self) -> None:
        """Without the server, the session, and the dataset."""
        self.session.close()
        self.process.terminate()
        self.process.wait()
        super().close()

    def post(self, path: str, body: dict[str, Any]) -> list[Any]:
        """What the server answers: one value, or one a line."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read().decode("utf8")
            assert answer.status == 200, content[-2000:]
            return [json.loads(line) for line in content.splitlines() if line.strip()]
        finally:
            connection.close()

    def ask(self, operator: str, generator: bool = False, state: dict[str, Any] | None = None, **params: Any) -> list[Any]:
        """One operator or panel method, as the page asks for it."""
        body: dict[str, Any] = {"operator_uri": f"{URI}/{operator}", "dataset_name": self.dataset.name, "params": params | self.nonce}
        if state is not None:
            body |= {"panel_id": "p1", "panel_state": state}
            body["params"] |= {"panel_id": "p1", "panel_state": state}
        answers = self.post("/operators/execute/generator" if generator else "/operators/execute", body)
        errors = [a["error"] for a in answers if isinstance(a, dict) and a.get("error")]
        assert not errors, errors
        return answers

    @contextlib.contextmanager
    def window(self) -> Iterator[None]:
        """A page of the App that listens, until it is closed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        body = {"events": EVENTS, "initializer": {"dataset": self.dataset.name}, "subscription": str(uuid.uuid4())}
        connection.request("POST", "/events", json.dumps(body), {"Content-Type": "application/json", "Accept": "text/event-stream"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.readline()
        try:
            yield
        finally:
            answer.close()
            connection.close()

    def round(self, i: int) -> list[str]:
        run = f"app_{i}"
        files = {"vocabulary": str(self.folder / "words.npz"), "sae": str(self.folder / "sae")}
        chosen = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", **files, "run": run}
        with self.window():
            (form,) = self.post("/operators/resolve-type", {"operator_uri": f"{URI}/compare_views", "target": "inputs", "params": chosen,
                                                            "dataset_name": self.dataset.name})  # fmt: skip
            self.nonce = {form_nonce.NAME: form["type"]["properties"][form_nonce.NAME]["default"]}
            bar = self.ask("compare_views", generator=True, **chosen)
            assert len(bar) > 3
            (drawn,) = self.ask("latentdiff_panel", state={}, __method__="on_load")
            state = shown(drawn["executor"]["requests"])
            assert state["shown"]["board"]["name"] == run
            one = {"run": run, "hypothesis": "0", "side": "A"}
            self.ask("show_hypothesis", **one)
            (tagged,) = self.ask("tag_hypothesis", **one, tag="seen")
            (saved,) = self.ask("save_hypothesis", **one, name=f"best {i}")
            assert tagged["result"]["count"] == saved["result"]["count"] > 0
            (report,) = self.ask("export_report", run=run, format=".json", folder=str(self.folder))
            (refused,) = self.post("/operators/execute", {"operator_uri": f"{URI}/delete_comparison", "params": {"run": run},
                                                          "dataset_name": self.dataset.name})  # fmt: skip
            assert "form of the App" in refused["error_message"], refused
            self.ask("rename_comparison", run=run, new="renamed")
            self.ask("delete_comparison", run="renamed")
        self.dataset.reload()
        self.dataset.delete_saved_view(f"best {i}")
        self.dataset.untag_samples("seen")
        path = Path(report["result"]["path"])
        texts = [h["text"] for h in json.loads(path.read_text(encoding="utf8"))["hypotheses"]]
        path.unlink()
        return texts

    def settle(self) -> None:
        """A window that was closed is noticed at the server's next pings."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and any(c.status == psutil.CONN_CLOSE_WAIT for c in self.process.net_connections()):
            time.sleep(0.5)


if __name__ == "__main__":
    main(AppSession)
