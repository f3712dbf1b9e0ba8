"""``python -m tests.standin --port 9200``: the stand-in as a process of its own, to be killed and
brought back.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.standin.standin import StandIn


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, help="file in which writes survive kill -9")
    parser.add_argument("--vectors", choices=["e5", "hash"], default="e5")
    parser.add_argument("--license", choices=["trial", "enterprise", "basic"], default="trial")
    parser.add_argument(
        "--chat-endpoint", help="id of a chat_completion endpoint that exists already"
    )
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds between two deltas of the model"
    )
    options = parser.parse_args(arguments)
    standin = StandIn(
        vectors=options.vectors,
        license=options.license,
        host=options.host,
        port=options.port,
        journal=options.journal,
        controlled=True,
    )
    standin.chat.delay = options.delay
    if options.chat_endpoint:
        standin.add_chat_endpoint(options.chat_endpoint)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with standin:
        sys.stdout.write(f"{standin.url} {standin.api_key}\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
