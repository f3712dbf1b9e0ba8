"""Create the chat completion endpoint in Elasticsearch that writes the cards."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from elasticsearch import ApiError

from articles.search.base import SearchError
from articles.search.elastic import errors
from articles.search.elastic.client import Cluster

TASK = "chat_completion"
PATH = "/v1/chat/completions"
# The cluster calls the model before it answers, and a sleeping one has to wake up.
CREATE_SECONDS = 180
REQUIRED = (
    "ELASTICSEARCH_URL",
    "ELASTICSEARCH_API_KEY",
    "HUGGING_FACE_API_KEY",
    "HUGGING_FACE_INFERENCE_ENDPOINT_URL",
)


class Command(BaseCommand):
    help = "Creates the Hugging Face inference endpoint in Elasticsearch."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="remove the endpoint again")
        parser.add_argument(
            "--dry-run", action="store_true", help="show the request and send nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.name: str = settings.INFERENCE_ENDPOINT_ID
        try:
            if options["delete"]:
                self.delete(dry_run=options["dry_run"])
            else:
                self.create(dry_run=options["dry_run"])
        except SearchError as error:
            raise CommandError(self.explained(error)) from error

    def create(self, *, dry_run: bool) -> None:
        require(REQUIRED)
        url = settings.HUGGING_FACE_INFERENCE_ENDPOINT_URL.strip()
        check_url(url)
        service = {"api_key": settings.HUGGING_FACE_API_KEY.strip(), "url": url}
        if dry_run:
            body = {"service": "hugging_face", "service_settings": service | {"api_key": "•••"}}
            self.show("PUT", f"?timeout={CREATE_SECONDS}s", body)
            return
        self.stdout.write(f"Creating {self.name} (Elasticsearch calls the model once) ...")
        cluster = Cluster.from_settings()
        try:
            with cluster.writer(CREATE_SECONDS) as client:
                client.inference.put_hugging_face(
                    task_type=TASK,
                    huggingface_inference_id=self.name,
                    service="hugging_face",
                    service_settings=service,
                    timeout=f"{CREATE_SECONDS}s",
                )
        except SearchError as error:
            if not already_exists(error):
                raise
            self.stdout.write(self.already_there(cluster, url))
        else:
            self.stdout.write(f"Created {self.name}.")

    def already_there(self, cluster: Cluster, url: str) -> str:
        with cluster.background() as client:
            found = client.inference.get(task_type=TASK, inference_id=self.name)["endpoints"]
        known = found[0]["service_settings"].get("url") if found else url
        if known == url:
            return f"{self.name} is already there."
        return (
            f"{self.name} is already there with another address, {known}. To change it, run "
            "setup_inference --delete and then setup_inference."
        )

    def delete(self, *, dry_run: bool) -> None:
        require(REQUIRED[:2])
        if dry_run:
            self.show("DELETE")
            return
        try:
            with Cluster.from_settings().writer() as client:
                client.inference.delete(task_type=TASK, inference_id=self.name)
        except SearchError as error:
            if status_of(error) != 404:
                raise
            self.stdout.write(f"{self.name} is not there.")
        else:
            self.stdout.write(f"Deleted {self.name}.")

    def show(self, method: str, parameters: str = "", body: Any = None) -> None:
        path = f"/_inference/{TASK}/{quote(self.name, safe='')}{parameters}"
        self.stdout.write(f"{method} {path}")
        if body is not None:
            self.stdout.write(json.dumps(body, indent=2, ensure_ascii=False))

    def explained(self, error: SearchError) -> str:
        """The error with Elasticsearch's own reasons, and what they mean for this command."""
        cause, text = error.__cause__, str(error)
        if isinstance(cause, ApiError):
            if errors.is_licence(cause.body):
                text = (
                    "The licence of this Elasticsearch cluster does not include inference "
                    "(Enterprise or trial). Set CHAT_COMPLETIONS_URL to the model's own address, "
                    "and ELASTICSEARCH_VECTORS=dense_vector."
                )
            elif cause.status_code == 400:
                text = (
                    f"Elasticsearch did not create {self.name}. {reasons(cause.body)} If the model "
                    "is still starting, run setup_inference again in a minute."
                )
            elif cause.status_code == 409:
                text = (
                    f"{self.name} is still in use. {reasons(cause.body)} Remove what uses it, then "
                    "run setup_inference --delete again."
                )
        for key in (settings.HUGGING_FACE_API_KEY.strip(), settings.ELASTICSEARCH_API_KEY.strip()):
            text = text.replace(key, "•••") if key else text
        return text


def require(names: tuple[str, ...]) -> None:
    missing = [name for name in names if not getattr(settings, name).strip()]
    if "@" in settings.ELASTICSEARCH_URL and "ELASTICSEARCH_API_KEY" in missing:
        missing.remove("ELASTICSEARCH_API_KEY")  # user and password stand in the address
    if missing:
        raise CommandError(f"Set {', '.join(missing)} in the environment or in .env.")


def check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and parts.path.endswith(PATH)
    except ValueError:  # half an IPv6 address
        whole = False
    if not whole:
        raise CommandError(
            f"HUGGING_FACE_INFERENCE_ENDPOINT_URL must be the whole address and end in {PATH}; "
            f"it is {url}."
        )


def status_of(error: SearchError) -> int | None:
    return error.__cause__.status_code if isinstance(error.__cause__, ApiError) else None


def already_exists(error: SearchError) -> bool:
    """An id that is taken is status 400 here, where other APIs say 409."""
    cause = error.__cause__
    return isinstance(cause, ApiError) and "resource_already_exists_exception" in str(cause.body)


def reasons(body: Any) -> str:
    """`reason` and `caused_by` of an error, as two sentences."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return f"reason: {errors.reason_of(body)}."
    text = f"reason: {error.get('reason')}"
    if cause := error.get("caused_by"):
        text += f"; caused_by: {errors.reason_of(cause)}"
    return text.rstrip(".") + "."
