"""One index: its documents with their versions, and what of them a search may see.

Sources: ``InternalEngine`` and ``VersionType`` of elastic/elasticsearch (versions, tombstones,
sequence numbers), the reference pages "Index API", "Delete API" and "Refresh" (near real time,
``refresh`` parameter).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.standin.errors import Json, illegal_argument, validation, version_conflict
from tests.standin.mapping import Mapping
from tests.standin.parsing import Parsed, parse
from tests.standin.vectors import Vector

PRIMARY_TERM = 1


@dataclass(frozen=True, eq=False)
class Chunk:
    """A chunk of a ``semantic_text`` field: where its text stands in which source field, and its
    vector.
    """

    source_field: str
    text: str
    start: int
    end: int
    vector: Vector


@dataclass(frozen=True, eq=False)
class Document:
    """One version of a document; never changed, so that readers and points in time can share it."""

    index: str
    id: str
    version: int
    seq_no: int
    source: Json
    parsed: Parsed
    chunks: dict[str, list[Chunk]]


@dataclass
class Entry:
    """The newest state of an id; without a document it is the tombstone that keeps a deleted
    version.
    """

    version: int
    seq_no: int
    document: Document | None


@dataclass(frozen=True)
class Guard:
    """The conditions of a write: versions (``version``, ``version_type``) or
    ``if_seq_no``/``if_primary_term``.
    """

    version: int | None = None
    version_type: str = "internal"
    seq_no: int | None = None
    primary_term: int | None = None
    create: bool = False

    @property
    def external(self) -> bool:
        return self.version_type.startswith("external")

    def problems(self, id_: str | None) -> list[str]:
        """``IndexRequest.validate`` and ``DocWriteRequest.validateSeqNoBasedCASParams``."""
        found = []
        if self.create and self.version_type != "internal":
            found.append("create operations only support internal versioning. use index instead")
        if id_ is None and (self.external or self.version is not None):
            found.append("an id must be provided if version type or value are set")
        if self.external and (self.version is None or self.version < 0):
            found.append(
                f"illegal version value [{-3 if self.version is None else self.version}]"
                f" for version type [{self.version_type.upper()}]"
            )
        if not self.external and self.version is not None:
            found.append(
                "internal versioning can not be used for optimistic concurrency control."
                " Please use `if_seq_no` and `if_primary_term` instead"
            )
        if (self.seq_no is None) != (self.primary_term is None):
            found.append("ifSeqNo and primary term must be set together")
        return found

    def conflict(self, entry: Entry | None) -> str | None:
        """``VersionType.explainConflictForWrites``, or None if the write may proceed."""
        deleted = entry is None or entry.document is None
        required = f"required seqNo [{self.seq_no}], primary term [{self.primary_term}]."
        provided = f"the one provided [{self.version}]"
        if self.seq_no is not None:
            if entry is None or deleted:
                return f"{required} but no document was found"
            if (entry.seq_no, PRIMARY_TERM) != (self.seq_no, self.primary_term):
                return (
                    f"required seqNo [{self.seq_no}], primary term [{self.primary_term}]. current"
                    " document has"
                    f" seqNo [{entry.seq_no}] and primary term [{PRIMARY_TERM}]"
                )
        if entry is None:
            return None
        if self.create and not deleted:
            return f"document already exists (current version [{entry.version}])"
        if self.version_type in {"external", "external_gt"} and entry.version >= (
            self.version or 0
        ):
            return f"current version [{entry.version}] is higher or equal to {provided}"
        if self.version_type == "external_gte" and entry.version > (self.version or 0):
            return f"current version [{entry.version}] is higher than {provided}"
        return None

    def next_version(self, entry: Entry | None) -> int:
        if self.external and self.version is not None:
            return self.version
        return entry.version + 1 if entry else 1


@dataclass
class Index:
    name: str
    settings: Json
    mapping: Mapping
    auto_refresh: bool = True
    aliases: dict[str, Json] = field(default_factory=dict)
    uuid: str = field(default_factory=lambda: uuid.uuid4().hex[:22])
    created: int = field(default_factory=lambda: round(time.time() * 1000))
    entries: dict[str, Entry] = field(default_factory=dict)
    searchable: dict[str, Document] = field(default_factory=dict)
    generation: int = 0
    # The view of the last search (reader.Shard) and the refresh it belongs to.
    reader: object = None
    reader_generation: int = -1
    next_seq_no: int = 0
    _changed: dict[str, float] = field(default_factory=dict)

    def _record(self, id_: str, version: int, document: Document | None) -> Entry:
        entry = Entry(version, self.next_seq_no, document)
        self.next_seq_no += 1
        self.entries[id_] = entry
        self._changed.setdefault(id_, time.monotonic())
        return entry

    def put(
        self, id_: str, source: Json, guard: Guard, chunks: dict[str, list[Chunk]]
    ) -> tuple[Entry, bool]:
        """Indexes a document; tells whether it is new. Raises 409
        ``version_conflict_engine_exception``.
        """
        before = self._checked(id_, guard)
        parsed = parse(self.mapping, id_, source)
        version = guard.next_version(before)
        document = Document(self.name, id_, version, self.next_seq_no, source, parsed, chunks)
        parsed.own(document)
        return self._record(id_, version, document), before is None or before.document is None

    def delete(self, id_: str, guard: Guard) -> tuple[Entry, bool]:
        """Deletes a document and keeps its version as a tombstone, even where there was no
        document.
        """
        before = self._checked(id_, guard)
        found = before is not None and before.document is not None
        return self._record(id_, guard.next_version(before), None), found

    def _checked(self, id_: str, guard: Guard) -> Entry | None:
        problems = guard.problems(id_)
        if problems:
            raise validation(*problems)
        if len(id_.encode()) > 512:
            raise illegal_argument(
                f"id [{id_}] is too long, must be no longer than 512 bytes but was:"
                f" {len(id_.encode())}"
            )
        before = self.entries.get(id_)
        explanation = guard.conflict(before)
        if explanation:
            raise version_conflict(self.name, self.uuid, id_, explanation)
        return before

    def get(self, id_: str) -> Document | None:
        """Reads are real time: they see a document before a refresh does."""
        entry = self.entries.get(id_)
        return entry.document if entry else None

    @property
    def refreshes_off(self) -> bool:
        return str(self.settings["index"].get("refresh_interval", "1s")) == "-1"

    @property
    def refresh_interval(self) -> float | None:
        """Seconds between refreshes; None where they are off (``-1``)."""
        text = str(self.settings["index"].get("refresh_interval", "1s"))
        if self.refreshes_off or not self.auto_refresh:
            return None
        if text.endswith("ms"):
            return float(text.removesuffix("ms")) / 1000
        return float(text.rstrip("s"))

    def refresh(self) -> None:
        """Makes every write so far searchable."""
        if not self._changed:
            return
        for id_ in self._changed:
            document = self.entries[id_].document
            if document is None:
                self.searchable.pop(id_, None)
            else:
                self.searchable[id_] = document
        self._changed.clear()
        self.generation += 1

    def refresh_if_due(self) -> None:
        """The refresh of every second: looked at when a search comes, because nobody else can
        tell.
        """
        interval = self.refresh_interval
        if interval is not None and self._changed:
            oldest = min(self._changed.values())
            if time.monotonic() - oldest >= interval:
                self.refresh()

    @property
    def pending(self) -> int:
        """How many ids have a change that no search sees yet."""
        return len(self._changed)

    def render_settings(self) -> Json:
        fixed: dict[str, Any] = {
            "number_of_shards": "1",
            "number_of_replicas": "1",
            "provided_name": self.name,
            "creation_date": str(self.created),
            "uuid": self.uuid,
            "version": {"created": "9039000"},
        }
        return {"index": {**fixed, **self.settings["index"]}}
