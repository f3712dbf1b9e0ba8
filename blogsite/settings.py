"""Settings of the site, read from the environment (see `.env.example`).

Development needs no variable at all. With `DEBUG=false` a missing or unsafe value stops the
start with a sentence that says what to set.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django_stubs_ext
import platformdirs
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from environs import Env, validate

django_stubs_ext.monkeypatch()  # lets `ListView[Article]` be written where it runs, too

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"  # what a run leaves behind: database, secret key, editor's password

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

TESTING = "pytest" in sys.modules
DEBUG = env.bool("DEBUG", True)


def required_in_production(name: str, why: str) -> str:
    """The variable's value; "" in development; outside it a missing one stops the start."""
    value = env.str(name, "")
    if not value and not DEBUG:
        raise ImproperlyConfigured(f"Set {name} in the environment (DEBUG is off): {why}")
    return value


def development_secret_key() -> str:
    """A random key kept in `var/`, so that sessions outlive a restart of the dev server."""
    path = VAR_DIR / "secret-key.txt"
    VAR_DIR.mkdir(exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text() or get_random_secret_key()


# Core

SECRET_KEY = (
    required_in_production("SECRET_KEY", "it signs sessions and stream tickets.")
    or development_secret_key()
)
required_in_production("ALLOWED_HOSTS", "a comma-separated list of the site's host names.")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], subcast=str.strip
)
if "*" in ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's hosts, not '*'.")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [], subcast=str.strip)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django.contrib.humanize",
    "django_htmx",
    "articles",
    "recommendations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "blogsite.urls"
WSGI_APPLICATION = "blogsite.wsgi.application"
SITE_NAME: str = env.str("SITE_NAME", "Vereda Journal")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "blogsite.context_processors.site",
            ],
        },
    },
]

# Data

required_in_production("DATABASE_URL", "for example postgres://user:password@host:5432/blog.")
if not env.str("DATABASE_URL", ""):
    VAR_DIR.mkdir(exist_ok=True)
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}", conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets pages be read while an article is saved; IMMEDIATE makes a writer wait for its
    # turn at once instead of failing with "database is locked" half-way through.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
    }
    # Opening the file and reading its schema takes longer than all queries of a page. Who puts
    # another file in its place has to restart the site.
    DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
elif connections := env.int(
    "DATABASE_CONNECTIONS", 20 if "gunicorn" in sys.modules else 0, validate=validate.Range(min=0)
):
    # PostgreSQL under gunicorn: the threads of a process share them, and a stream holds none while
    # it waits for the model. Commands have one thread, and are told at once why a connection fails.
    pool = {"min_size": 1, "max_size": connections, "timeout": 3, "reconnect_timeout": 3}  # seconds
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = pool
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": env.dj_cache_url("CACHE_URL", "locmem://"),
    # Where `{% cache %}` keeps rendered pieces of pages: in each process, because asking another
    # one takes longer than rendering. Not in development, where templates change.
    "template_fragments": {
        "BACKEND": "django.core.cache.backends.dummy.DummyCache"
        if DEBUG and not TESTING
        else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "template_fragments",
        "OPTIONS": {"MAX_ENTRIES": 2_000},
    },
}

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60  # the reader's choice outlives the browser's session
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE: str = env.str("TIME_ZONE", "UTC")
USE_TZ = True

# Static files: hashed names and one year of caching through WhiteNoise

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Development and tests serve the sources themselves, without `collectstatic`.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Security

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-src": [CSP.SELF],
    "frame-ancestors": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "manifest-src": [CSP.SELF],
}
X_FRAME_OPTIONS = "SAMEORIGIN"  # the page without JavaScript frames its own plain stream
SECURE_REFERRER_POLICY = "same-origin"
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 3600)
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_SSL_REDIRECT", True)
    LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE

# Search: which engine answers follows from ELASTICSEARCH_URL alone. `ES_LOCAL_*` are the names
# that Elastic's start-local script writes into its .env.

ELASTICSEARCH_URL: str = env.str("ELASTICSEARCH_URL", "") or env.str("ES_LOCAL_URL", "")
ELASTICSEARCH_API_KEY: str = env.str("ELASTICSEARCH_API_KEY", "") or env.str("ES_LOCAL_API_KEY", "")
INDEX_NAME: str = env.str("INDEX_NAME", "blog-posts")
ELASTICSEARCH_VECTORS: str = env.str(
    "ELASTICSEARCH_VECTORS",
    "semantic_text",
    validate=validate.OneOf(["semantic_text", "dense_vector"]),
)
ELASTICSEARCH_EMBEDDING_ENDPOINT: str = env.str(
    "ELASTICSEARCH_EMBEDDING_ENDPOINT", ".multilingual-e5-small-elasticsearch"
)
ELASTICSEARCH_HYBRID: str = env.str(
    "ELASTICSEARCH_HYBRID", "", validate=validate.OneOf(["", "rrf", "linear"])
)
ELASTICSEARCH_MIN_SCORE: float = env.float("ELASTICSEARCH_MIN_SCORE", 0.0)  # 0: no limit
ELASTICSEARCH_CANDIDATES: int = env.int(  # hits that a question can be paged through
    "ELASTICSEARCH_CANDIDATES", 50, validate=validate.Range(min=1, max=1000)
)
ELASTICSEARCH_TIMEOUT: float = env.float(  # seconds that a reader waits
    "ELASTICSEARCH_TIMEOUT", 2.0, validate=validate.Range(min=0.1)
)
ELASTICSEARCH_BULK_TIMEOUT: float = env.float(  # seconds for a bulk that nobody waits for
    "ELASTICSEARCH_BULK_TIMEOUT", 120.0, validate=validate.Range(min=1)
)
ELASTICSEARCH_CA_CERTS: str = env.str("ELASTICSEARCH_CA_CERTS", "")  # file of the cluster's CA
ELASTICSEARCH_SHARDS: int = env.int("ELASTICSEARCH_SHARDS", 1, validate=validate.Range(min=1))
ELASTICSEARCH_REPLICAS: int = env.int("ELASTICSEARCH_REPLICAS", 1, validate=validate.Range(min=0))
EMBEDDINGS_URL: str = env.str("EMBEDDINGS_URL", "")  # an OpenAI-compatible /v1/embeddings server
EMBEDDINGS_MODEL: str = env.str("EMBEDDINGS_MODEL", "")
EMBEDDINGS_API_KEY: str = env.str("EMBEDDINGS_API_KEY", "")
EMBEDDINGS_TIMEOUT: float = env.float(  # seconds that a reader waits
    "EMBEDDINGS_TIMEOUT", 5.0, validate=validate.Range(min=0.1)
)
EMBEDDINGS_CUTOFF: float = env.float("EMBEDDINGS_CUTOFF", 0.0)

SEARCH_PAGE_SIZE = 10
SEARCH_MAX_QUERY_LENGTH = 400  # characters
SYNC_ATTEMPT_SECONDS = 2.0  # how long a save may spend on bringing the index up to date

# Recommendations: who writes the cards

INFERENCE_ENDPOINT_ID: str = env.str("INFERENCE_ENDPOINT_ID", "hugging-face-smollm3-3b")
HUGGING_FACE_API_KEY: str = env.str("HUGGING_FACE_API_KEY", "")
HUGGING_FACE_INFERENCE_ENDPOINT_URL: str = env.str("HUGGING_FACE_INFERENCE_ENDPOINT_URL", "")
CHAT_COMPLETIONS_URL: str = env.str("CHAT_COMPLETIONS_URL", "")
CHAT_COMPLETIONS_API_KEY: str = env.str("CHAT_COMPLETIONS_API_KEY", "")
CHAT_MODEL: str = env.str("CHAT_MODEL", "")
RECOMMENDATION_WRITER: str = env.str(  # empty: what suits the model
    "RECOMMENDATION_WRITER",
    "",
    validate=validate.OneOf(["", "single_prompt", "per_article", "passages"]),
)
RECOMMENDATION_CARDS = 5
# What the model is asked for by the single prompt; the embedded model's own were measured.
RECOMMENDATION_MAX_TOKENS: int = env.int(  # of one answer; 0: as many as its cards need
    "RECOMMENDATION_MAX_TOKENS", 0, validate=validate.Range(min=0)
)
RECOMMENDATION_TEMPERATURE: float = env.float(
    "RECOMMENDATION_TEMPERATURE", 0.3, validate=validate.Range(min=0, max=2)
)
RECOMMENDATION_TOP_P: float | None = env.float(  # unset: what the model server thinks best
    "RECOMMENDATION_TOP_P", None, validate=validate.Range(min=0, max=1, min_inclusive=False)
)
RECOMMENDATION_SLOTS: int = env.int("RECOMMENDATION_SLOTS", 64)  # open streams of one process
RECOMMENDATION_DEADLINE: float = env.float("RECOMMENDATION_DEADLINE", 120.0)  # seconds
RECOMMENDATION_READ_TIMEOUT: float = env.float("RECOMMENDATION_READ_TIMEOUT", 60.0)  # of silence
KEPT_ANSWER_DAYS: int = env.int("KEPT_ANSWER_DAYS", 7)  # 0: every question asks the model
QUERY_LOG_DAYS: int = env.int("QUERY_LOG_DAYS", 90)  # 0: no log, and what was logged is deleted

EMBEDDED_MODEL: str = env.str("EMBEDDED_MODEL", "1.5b")
EMBEDDED_MODEL_PATH: str = env.str("EMBEDDED_MODEL_PATH", "")
EMBEDDED_MODEL_CACHE = Path(
    env.str("EMBEDDED_MODEL_CACHE", "") or platformdirs.user_cache_path("vereda-blog")
)
EMBEDDED_MODEL_PORT: int = env.int("EMBEDDED_MODEL_PORT", 8001)  # `make run`: PORT + 1

# Logging: the console, where Django itself logs too.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        name: {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO"), "propagate": TESTING}
        for name in ("articles", "recommendations")
    },
}
