"""pytest fixtures. Import them in a conftest: ``from tests.standin.fixtures import
elasticsearch_standin``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standin.standin import StandIn


def assert_no_violations(standin: StandIn) -> None:
    """Fails with every violation in full; a site that swallows a 400 cannot hide it here."""
    if standin.violations:
        lines = "\n".join(f"- {violation}" for violation in standin.violations)
        pytest.fail(
            f"{len(standin.violations)} violation(s) of the Elasticsearch 9.3"
            f" specification:\n{lines}"
        )


@pytest.fixture
def elasticsearch_standin() -> Iterator[StandIn]:
    """A fresh cluster with hashed vectors; the test fails at its end if any request was not
    valid.
    """
    with StandIn(vectors="hash") as standin:
        yield standin
    assert_no_violations(standin)


@pytest.fixture
def elasticsearch_e5() -> Iterator[StandIn]:
    """The same with real embeddings (multilingual-e5-small)."""
    with StandIn(vectors="e5") as standin:
        yield standin
    assert_no_violations(standin)
