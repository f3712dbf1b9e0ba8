"""gunicorn's settings for this site: `gunicorn` in the project root is enough.

Threads, because open streams wait on the model most of the time; see docs/architecture.md. The
number of streams of one process (`RECOMMENDATION_SLOTS`) must stay below its threads, or ordinary
pages queue behind them.
"""

from __future__ import annotations

import os

wsgi_app = "blogsite.wsgi"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "128"))
timeout = 60  # of the worker's heartbeat; a stream may last longer
graceful_timeout = 10
accesslog = None
