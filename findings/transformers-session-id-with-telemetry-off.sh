#!/usr/bin/env bash
# transformers: with telemetry switched off, every request of a process still carries the same made-up number.

# A good engineer would guess: HF_HUB_DISABLE_TELEMETRY=1 (or DO_NOT_TRACK=1) leaves the versions of libraries at most, so that a hub cannot
# tell which of its requests come from one process. What happens: User-Agent ends with "session_id/<32 hex digits>; telemetry/off". The number
# is drawn once a process, so two unrelated models that are fetched by one run are told to belong together. huggingface_hub alone sends none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 huggingface_hub==2.4.0
cat >"$work/hub.py" <<'PY'
import os, re, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TRANSFORMERS = """
import transformers
print(transformers.__version__)
for name in ("one/model", "another/thing"):
    transformers.AutoConfig.from_pretrained(name)
"""
ALONE = "import huggingface_hub as h; [h.hf_hub_download(name, 'config.json') for name in ('one/model', 'another/thing')]"
CONFIG = b'{"model_type": "bert"}'
heard = []


class Hub(BaseHTTPRequestHandler):
    def do_HEAD(self):
        heard.append((self.path, self.headers["User-Agent"] or ""))
        there = self.path.endswith("config.json")
        self.send_response(200 if there else 404)
        for name, value in {"Content-Length": len(CONFIG) if there else 0, "ETag": '"a"', "X-Repo-Commit": "1" * 40}.items():
            self.send_header(name, str(value))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        if self.path.endswith("config.json"):
            self.wfile.write(CONFIG)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()


def numbers(program, folder):
    """By repository, the numbers that the hub was told; and what the program printed."""
    heard.clear()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    own = {"HOME": folder, "HF_HOME": folder, "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
    off = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    said = subprocess.run([sys.executable, "-c", program], env={**kept, **own, **off}, check=True, capture_output=True, text=True).stdout
    asked = {name: [agent for path, agent in heard if path.startswith(f"/{name}/")] for name in ("one/model", "another/thing")}
    return {name: {n for agent in agents for n in re.findall(r"session_id/(\w+)", agent)} for name, agents in asked.items()}, said.strip(), asked


work = os.environ["WORK"]
first, version, agents = numbers(TRANSFORMERS, f"{work}/a")
second, _, _ = numbers(TRANSFORMERS, f"{work}/b")
alone, _, plain = numbers(ALONE, f"{work}/c")
print("transformers", version.splitlines()[-1])
print("guess: no number, since telemetry is off")
print("seen: ", re.sub(r"[0-9a-f]{32}", "<32 hex digits>", agents["one/model"][-1]))
assert all(agents.values()) and all(plain.values())
assert len(first["one/model"]) == 1 and first["one/model"] == first["another/thing"]
assert second["one/model"] == second["another/thing"] != first["one/model"]
assert not any(alone.values())
assert all("telemetry/off" in agent for agent in agents["one/model"] if "session_id" in agent)
PY
mkdir "$work/a" "$work/b" "$work/c"
WORK="$work" "$work/venv/bin/python" "$work/hub.py"
