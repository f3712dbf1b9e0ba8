"""State that survives ``kill -9`` of a stand-in in a process of its own.

Like Elasticsearch's translog, a write is on disk before it is acknowledged; at the next start it is
carried out again.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.standin.errors import ConnectionCut, Json
from tests.standin.messages import Request

if TYPE_CHECKING:
    from tests.standin.app import App

CHANGES = frozenset(
    [
        "indices.create",
        "indices.delete",
        "indices.put_mapping",
        "indices.put_settings",
        "indices.update_aliases",
        "indices.put_alias",
        "indices.delete_alias",
        "indices.refresh",
        "bulk",
        "index",
        "create",
        "update",
        "delete",
        "delete_by_query",
        "reindex",
        "inference.put",
        "inference.put_hugging_face",
        "inference.put_elasticsearch",
        "inference.put_openai",
        "inference.delete",
        "license.post_start_trial",
        "license.post_start_basic",
    ]
)


class Journal:
    """One file of JSON lines. Changes run one after another, so that a replay meets them in the
    same order.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def replay(self, app: App) -> int:
        """Carries out what the file holds; a last line that was cut by the kill is dropped."""
        count = 0
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    break
                entry["raw"] = base64.b64decode(entry["raw"])
                app.replay(Request(**entry))
                count += 1
        return count

    @contextlib.contextmanager
    def keep(self, request: Request) -> Iterator[None]:
        """Runs a handler and writes its request down before the answer leaves."""
        if request.route not in CHANGES:
            yield
            return
        entry = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": {"content-type": request.headers.get("content-type", "")},
            "raw": base64.b64encode(request.raw).decode(),
            "cut_after": request.cut_after,
        }
        with self._lock:
            try:
                yield
            except ConnectionCut:
                # Half a bulk was applied: that half has to come back too.
                self._write(entry)
                raise
            self._write(entry)

    def _write(self, entry: Json) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
