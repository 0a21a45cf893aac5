#!/usr/bin/env bash
# huggingface_hub: fetching one file of one repository also asks the hub for a list of coding agents, and says which of them runs it.

# A good engineer would guess: a download of one file asks for that file, and tells the hub the versions of Python and of libraries.
# What happens: the first request of a day is GET /api/agent-harnesses, sent before the file is asked for. Its answer lists variables of the
# environment and what they mean; where one of them is set, the agent's name is in the User-Agent of every request that follows.
# HF_HUB_DISABLE_TELEMETRY=1 switches off both. A hub of one's own that answers unknown paths with an error sees one more failed request.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0
cat >"$work/seen.py" <<'PY'
import json, os, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ASK = "import huggingface_hub as h; print(h.__version__); h.hf_hub_download('someone/model', 'config.json')"
seen = []


class Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append((self.command, self.path, self.headers["User-Agent"]))
        body = json.dumps(json.load(open(os.environ["REGISTRY"]))).encode() if "agent-harnesses" in self.path else b"{}"
        self.send_response(200)
        for name, value in {"Content-Length": len(body), "ETag": '"1"', "X-Repo-Commit": "0" * 40}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()


def paths(folder, **more):
    seen.clear()
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")}
    env = {**keep, "HOME": folder, "HF_HOME": folder, "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", **more}
    version = subprocess.run([sys.executable, "-c", ASK], env=env, check=True, capture_output=True, text=True).stdout.strip()
    return version, [path for _, path, _ in seen], [agent for *_, agent in seen]


work = os.environ["WORK"]
version, asked, _ = paths(f"{work}/a")
_, quiet, _ = paths(f"{work}/b", HF_HUB_DISABLE_TELEMETRY="1")
print("huggingface_hub", version)
print("guess: only paths of someone/model")
print("seen: ", asked, "and with HF_HUB_DISABLE_TELEMETRY=1", quiet)
assert asked[0] == "/api/agent-harnesses" and all(path.startswith("/someone/model/") for path in asked[1:]) and len(asked) > 1
assert quiet and all(path.startswith("/someone/model/") for path in quiet)
PY
echo '{}' >"$work/registry.json"
mkdir "$work/a" "$work/b"
WORK="$work" REGISTRY="$work/registry.json" "$work/venv/bin/python" "$work/seen.py"
