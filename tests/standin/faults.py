"""Scripted failures: what goes wrong, for which requests, how often.

    es.faults.status(429, times=2, when="bulk")       # the next two bulks are rejected
    es.faults.stall(3.0)                              # the next request, whatever it is
    es.faults.die_in_bulk()                           # half of the items are applied, then a cut
    es.faults.chaos(seed=7, probability=0.1)          # every tenth request, reproducibly

A cluster that is not there at all is ``es.stop()``: then connects are refused.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tests.standin.errors import ElasticsearchError
from tests.standin.messages import Request

Kind = Literal["reset", "stall", "status", "die_in_bulk", "drop"]
Condition = str | Iterable[str] | Callable[[Request], bool] | None
WRITES = frozenset(("bulk", "index", "create", "delete", "update"))


@dataclass(frozen=True)
class Fault:
    """``reset``: the line dies before anything is done. ``drop``: the work is done, the answer is
    lost.
    """

    kind: Kind
    seconds: float = 0.0
    status: int = 0

    def __str__(self) -> str:
        return f"{self.kind}({self.status or self.seconds or ''})"


@dataclass
class _Rule:
    fault: Fault
    applies: Callable[[Request], bool]
    left: int | None
    probability: float = 1.0
    chance: random.Random | None = None


CHAOS = (
    Fault("reset"),
    Fault("drop"),
    Fault("status", status=429),
    Fault("status", status=503),
    Fault("die_in_bulk"),
)


def _condition(when: Condition) -> Callable[[Request], bool]:
    """A route name, several of them, or a function of the request; None means every request."""
    if when is None:
        return lambda request: True
    if callable(when):
        return when
    routes = {when} if isinstance(when, str) else set(when)
    return lambda request: request.route in routes


class Faults:
    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._items: list[_Rule] = []
        self._lock = threading.Lock()
        # What was injected, in order: (route, fault).
        self.injected: list[tuple[str, Fault]] = []

    def add(self, fault: Fault, *, times: int | None = 1, when: Condition = None) -> None:
        """``times=None``: until ``clear()``."""
        with self._lock:
            self._rules.append(_Rule(fault, _condition(when), times))

    def refuse(self, *, times: int | None = 1, when: Condition = None) -> None:
        """The connection is reset before anything is done. For refused connects see
        ``es.stop()``.
        """
        self.add(Fault("reset"), times=times, when=when)

    def stall(self, seconds: float, *, times: int | None = 1, when: Condition = None) -> None:
        """Nothing is answered for that long; then the request is served as usual."""
        self.add(Fault("stall", seconds=seconds), times=times, when=when)

    def status(self, status: int, *, times: int | None = 1, when: Condition = None) -> None:
        """401, 403, 408, 429, 500, 502, 503 or 504 with the body that Elasticsearch (or a proxy)
        sends.
        """
        self.add(Fault("status", status=status), times=times, when=when)

    def drop(self, *, times: int | None = 1, when: Condition = None) -> None:
        """The request is carried out and its answer is lost."""
        self.add(Fault("drop"), times=times, when=when)

    def die_in_bulk(self, *, times: int | None = 1, when: Condition = "bulk") -> None:
        """Half of the items are applied, then the connection is cut."""
        self.add(Fault("die_in_bulk"), times=times, when=when)

    def reject_items(
        self, *, times: int | None = 1, probability: float = 1.0, seed: int = 0
    ) -> None:
        """Single items of a bulk get status 429 while the bulk itself is answered with 200."""
        with self._lock:
            fault = Fault("status", status=429)
            chance = random.Random(seed)  # noqa: S311  # reproducible, not secret
            self._items.append(_Rule(fault, lambda request: True, times, probability, chance))

    def chaos(
        self,
        *,
        seed: int,
        probability: float,
        kinds: Iterable[Fault] = CHAOS,
        when: Condition = None,
        items: float = 0.0,
    ) -> None:
        """Random faults until ``clear()``, the same ones for the same seed and order of
        requests.
        """
        chance = random.Random(seed)  # noqa: S311  # reproducible, not secret
        choices = list(kinds)
        with self._lock:
            self._rules += [
                _Rule(fault, _condition(when), None, probability / len(choices), chance)
                for fault in choices
            ]
        if items:
            self.reject_items(times=None, probability=items, seed=seed)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self._items.clear()

    def next(self, request: Request) -> Fault | None:
        """The fault that this request meets, if any."""
        with self._lock:
            return self._draw(self._rules, request)

    def reject_item(self, request: Request) -> ElasticsearchError | None:
        with self._lock:
            fault = self._draw(self._items, request)
        return error(fault.status) if fault else None

    def _draw(self, rules: list[_Rule], request: Request) -> Fault | None:
        for rule in rules:
            if rule.left == 0 or not rule.applies(request):
                continue
            if rule.fault.kind == "die_in_bulk" and request.route != "bulk":
                continue
            if rule.chance is not None and rule.chance.random() >= rule.probability:
                continue
            if rule.left is not None:
                rule.left -= 1
            self.injected.append((request.route, rule.fault))
            return rule.fault
        return None


def error(status: int) -> ElasticsearchError:
    """The body that comes with a status when it is the cluster, not the request, that is at
    fault.
    """
    if status == 429:
        return ElasticsearchError(
            429,
            "es_rejected_execution_exception",
            "rejected execution of coordinating operation [coordinating_and_primary_bytes=0,"
            " replica_bytes=0,"
            " all_bytes=0, coordinating_operation_bytes=53687091,"
            " max_coordinating_and_primary_bytes=53687091]",
        )
    if status == 503:
        return ElasticsearchError(
            503,
            "cluster_block_exception",
            "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];",
        )
    if status == 403:
        return ElasticsearchError(
            403,
            "cluster_block_exception",
            "index [blog-posts] blocked by: [FORBIDDEN/8/index write (api)];",
        )
    if status == 401:
        return ElasticsearchError(
            401,
            "security_exception",
            "unable to authenticate with provided credentials and anonymous access is not allowed"
            " for this request",
        )
    if status == 408:
        return ElasticsearchError(408, "timeout_exception", "Timed out waiting for task")
    return ElasticsearchError(status, "exception", f"failure injected with status {status}")
