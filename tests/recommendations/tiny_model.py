"""A model of a few kilobytes, the two places that have it, and `manage.py` with it in its table."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

PROJECT = Path(__file__).parents[2]
WEIGHTS = bytes(range(256)) * 3000
FILE = "tiny.gguf"
PARTS = 2

# manage.py, after `before` has run: tests put a small model or another environment there. What it
# starts is not ours (pip, a model server): measured too, pip would take six times as long.
MANAGE = """
import os
import sys
import django
os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
django.setup()
from recommendations.embedded import running, server, weights, wheels
{before}
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


def tiny_model(size: int = len(WEIGHTS), weights: bytes = WEIGHTS) -> str:
    """The line of Python that puts the model "tiny" into the table."""
    digest = hashlib.sha256(weights).hexdigest()
    wheels = tuple(f"tiny-part{number}==1.0" for number in range(1, PARTS + 1))
    model = f"weights.Model('tiny', {size}, '{digest}', 'org/tiny-GGUF', '{FILE}', {wheels!r})"
    return f"weights.MODELS['tiny'] = {model}"


def manage(
    *arguments: str,
    before: str = "",
    environment: Mapping[str, str] = {},
    through: Sequence[str] = (),
    **options: Any,
) -> subprocess.Popen[str]:
    """Start a management command as a process, `through` another one, both outputs readable."""
    return subprocess.Popen(
        [*through, sys.executable, "-c", MANAGE.format(before=before), *arguments],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "blogsite.settings"} | dict(environment),
        stdin=subprocess.DEVNULL,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options,
    )


def write_wheels(folder: Path, weights: bytes = WEIGHTS) -> Path:
    """Two wheels with half of the weights each, whose code leaves a trace if it ever runs."""
    folder.mkdir()
    half = len(weights) // PARTS
    for number in range(1, PARTS + 1):
        start = (number - 1) * half
        part = weights[start : start + half if number < PARTS else None]
        name = f"tiny_part{number}"
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", f"open({str(folder / 'ran')!r}, 'w')")
            wheel.writestr(f"{name}/data/part{number:02}.bin", part)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


class Hub:
    """Hugging Face on loopback; holds the second half back while `open` is not set."""

    def __init__(self, weights: bytes = WEIGHTS, length: int | None = None) -> None:
        self.asked: list[str] = []
        self.agents: list[str] = []
        self.open = threading.Event()
        self.open.set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                hub.agents.append(self.headers["User-Agent"])
                if self.path != f"/org/tiny-GGUF/resolve/main/{FILE}":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(weights) if length is None else length))
                self.end_headers()
                half = len(weights) // 2
                self.wfile.write(weights[:half])
                self.wfile.flush()
                hub.open.wait(30)
                self.wfile.write(weights[half:])

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: Any) -> None:  # clients that leave are expected
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


# Stands for llama-server: answers like it, notes how it was called and what it was asked.
FAKE_SERVER = """#!{python}
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
notes = open({notes!r}, "a")
def note(**values):
    print(json.dumps(values), file=notes, flush=True)
note(pid=os.getpid(), arguments=sys.argv[1:], waiting=os.environ.get("OMP_WAIT_POLICY"))
class Handler(BaseHTTPRequestHandler):
    def answer(self, body, kind="application/json"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(b'{{"status": "ok"}}')
    def do_POST(self):
        note(asked=json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(b"data: [DONE]\\n\\n", "text/event-stream")
    def log_message(self, *arguments):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class FakeServer:
    """A package that brings a `llama-server` of our own; `before` makes `run_model` find it."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes.jsonl"
        program = folder / "fake_llama" / "bin" / "llama-server"
        program.parent.mkdir(parents=True)
        (folder / "fake_llama" / "__init__.py").write_text("raise SystemExit('imported')")
        program.write_text(FAKE_SERVER.format(python=sys.executable, notes=str(self.notes)))
        program.chmod(0o755)
        self.before = f"sys.path.insert(0, {str(folder)!r}); server.PACKAGE = 'fake_llama'"

    @property
    def noted(self) -> list[dict[str, Any]]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def pids(self) -> list[int]:
        return [note["pid"] for note in self.noted if "pid" in note]
