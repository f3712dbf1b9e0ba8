"""Inference endpoints: the preconfigured ones and those that a client puts.

Sources: ``ElasticsearchInternalService.defaultConfigIds`` and the specification's
``InferenceEndpointInfo``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.standin.errors import Json
from tests.standin.vectors import DIMENSIONS, Encoder, Kind, encoder, sparse_encoder

E5 = ".multilingual-e5-small-elasticsearch"
ELSER = ".elser-2-elasticsearch"


@dataclass
class Endpoint:
    inference_id: str
    task_type: str
    service: str
    service_settings: Json
    task_settings: Json = field(default_factory=dict)
    chunking_settings: Json | None = None

    @property
    def is_preconfigured(self) -> bool:
        return self.inference_id.startswith(".")

    @property
    def is_sparse(self) -> bool:
        return self.task_type == "sparse_embedding"

    def encoder(self, kind: Kind) -> Encoder:
        return sparse_encoder() if self.is_sparse else encoder(kind)

    def model_settings(self) -> Json:
        """``MinimalServiceSettings``, as a ``semantic_text`` mapping shows them after its first
        document.
        """
        settings: Json = {"service": self.service, "task_type": self.task_type}
        if not self.is_sparse:
            settings |= {"dimensions": DIMENSIONS, "similarity": "cosine", "element_type": "float"}
        return settings

    def render(self) -> Json:
        """Secrets (``api_key``) were never kept, so they cannot be answered."""
        body: Json = {
            "inference_id": self.inference_id,
            "task_type": self.task_type,
            "service": self.service,
            "service_settings": self.service_settings,
        }
        if self.task_settings:
            body["task_settings"] = self.task_settings
        if self.chunking_settings:
            body["chunking_settings"] = self.chunking_settings
        return body


def preconfigured() -> dict[str, Endpoint]:
    chunking: Json = {"strategy": "sentence", "max_chunk_size": 250, "sentence_overlap": 1}
    allocations: Json = {
        "enabled": True,
        "min_number_of_allocations": 0,
        "max_number_of_allocations": 32,
    }

    def endpoint(inference_id: str, task_type: str, model: str) -> Endpoint:
        settings: Json = {"num_threads": 1, "model_id": model, "adaptive_allocations": allocations}
        return Endpoint(inference_id, task_type, "elasticsearch", settings, {}, chunking)

    found = [
        endpoint(E5, "text_embedding", ".multilingual-e5-small"),
        endpoint(ELSER, "sparse_embedding", ".elser_model_2"),
    ]
    return {item.inference_id: item for item in found}
