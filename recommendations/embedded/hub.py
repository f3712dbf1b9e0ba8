"""The weights from Hugging Face, as a stream of bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator

from recommendations.embedded.weights import BLOCK, Model, WeightsError

CONNECT_SECONDS = 4.0  # an unreachable hub must not hold up the next source
READ_SECONDS = 20.0


def read_hub(model: Model) -> Iterator[bytes]:
    """The file's bytes; `WeightsError` where the hub cannot be reached or does not have it.

    `HF_ENDPOINT` and the proxy variables are honoured. No token is sent: the files are public.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the package is imported
    from httpx2 import HTTPError
    from huggingface_hub import get_session, hf_hub_url

    url = hf_hub_url(model.repo, model.file)
    try:
        with get_session().stream(
            "GET",
            url,
            headers={"User-Agent": "vereda-blog", "Accept-Encoding": "identity"},
            timeout=(CONNECT_SECONDS, READ_SECONDS, READ_SECONDS, CONNECT_SECONDS),
        ) as response:
            response.raise_for_status()
            yield from response.iter_bytes(BLOCK)
    except (HTTPError, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WeightsError(f"Hugging Face: {reason}") from error
