"""``StandIn``: an Elasticsearch 9.3 cluster of one node, on loopback, for tests."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from elasticsearch import Elasticsearch

from tests.standin.app import App
from tests.standin.chat import Chat
from tests.standin.cluster import Cluster, License
from tests.standin.endpoints import Endpoint
from tests.standin.faults import Faults
from tests.standin.indices import Document
from tests.standin.journal import Journal
from tests.standin.messages import Record
from tests.standin.security import READ_WRITE, Privilege
from tests.standin.server import Server
from tests.standin.vectors import Kind

RETRY_BIND = 5.0


class StandIn:
    """A real HTTP server with the state of a cluster.

    with StandIn() as es:
        client = Elasticsearch(es.url, api_key=es.api_key)

    ``vectors``: ``e5`` computes real embeddings (about 25 ms a query, 0.2 s for a hundred words),
    ``hash`` cheap ones. ``auto_refresh=False``: nothing becomes searchable before somebody
    refreshes. ``journal``: a file in which acknowledged writes survive ``kill -9``.
    """

    def __init__(
        self,
        *,
        vectors: Kind = "e5",
        license: License = "trial",
        auto_refresh: bool = True,
        compression: bool = True,
        check_responses: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        journal: Path | None = None,
        controlled: bool = False,
    ) -> None:
        self.cluster = Cluster(vectors=vectors, license=license, auto_refresh=auto_refresh)
        self.app = App(self.cluster, check_responses=check_responses)
        self._compression = compression
        self._controlled = controlled
        self._address = (host, port)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        if journal is not None:
            found = Journal(journal)
            found.replay(self.app)
            self.app.journal = found

    # Life.

    def start(self) -> Self:
        """Listens; after ``stop()`` on the same port as before, with the state of before."""
        if self._server is not None:
            return self
        self.app.stopping.clear()
        server = self._bind()
        self._address = (str(server.server_address[0]), int(server.server_address[1]))
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="standin", daemon=True
        )
        self._thread.start()
        return self

    def _bind(self) -> Server:
        """Another process may hold the port for a moment after a restart."""
        end = time.monotonic() + RETRY_BIND
        while True:
            try:
                return Server(
                    self._address,
                    self.app,
                    compression=self._compression,
                    controlled=self._controlled,
                )
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        """As if the node were killed: open connections end, new ones are refused. The state
        stays.
        """
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        self.app.stopping.set()
        server.shutdown()
        server.server_close()
        server.close_connections()
        thread.join()
        self._server = self._thread = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Where it is.

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def url(self) -> str:
        return f"http://{self._address[0]}:{self.port}"

    @property
    def api_key(self) -> str:
        """A key that may do everything."""
        return self.app.security.default.encoded

    def create_key(self, privileges: Iterable[Privilege] = READ_WRITE, id_: str = "limited") -> str:
        """A key of its own; by default one that may read and write, but not manage."""
        return self.app.security.create(id_, frozenset(privileges)).encoded

    def client(self, **options: Any) -> Elasticsearch:
        """The official client, for tests; close it (it is a context manager)."""
        return Elasticsearch(self.url, **{"api_key": self.api_key, **options})

    # What a test sets and reads.

    @property
    def chat(self) -> Chat:
        return self.app.chat

    @property
    def faults(self) -> Faults:
        return self.app.faults

    @property
    def violations(self) -> list[str]:
        """Requests that the specification forbids, gaps of the stand-in, and answers of its own
        that are wrong.
        """
        return self.app.violations

    @property
    def requests(self) -> list[Record]:
        return self.app.requests

    def requests_to(self, route: str) -> list[Record]:
        """Requests to one route of the specification, such as ``bulk`` or
        ``indices.update_aliases``.
        """
        return [record for record in self.requests if record.route == route]

    @property
    def license(self) -> License:
        return self.cluster.license

    @license.setter
    def license(self, kind: License) -> None:
        self.cluster.license = kind

    def refresh(self) -> None:
        """Makes everything searchable, without a request."""
        self.cluster.refresh(list(self.cluster.indices.values()))

    def documents(self, name: str) -> dict[str, Document]:
        """The newest documents of an index or alias by id, searchable or not."""
        return {
            id_: entry.document
            for index in self.cluster.resolve(name)
            for id_, entry in index.entries.items()
            if entry.document is not None
        }

    def sources(self, name: str) -> dict[str, dict[str, Any]]:
        return {id_: document.source for id_, document in self.documents(name).items()}

    def add_chat_endpoint(self, inference_id: str = "hugging-face-smollm3-3b") -> None:
        """As if ``setup_inference`` had run before."""
        settings = {
            "url": "https://example.endpoints.huggingface.cloud/v1/chat/completions",
            "rate_limit": {"requests_per_minute": 3000},
        }
        self.cluster.endpoints[inference_id] = Endpoint(
            inference_id, "chat_completion", "hugging_face", settings
        )
