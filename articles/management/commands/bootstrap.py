"""Everything between a fresh checkout and a site with content, for `make run`."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from articles.importing import ImportedArticle
from articles.models import Article, Author, Category, StarterQuestion
from articles.search import outbox
from articles.search.base import SearchError, get_engine
from articles.search.rebuild import compare

EDITOR = "editor"


class Command(BaseCommand):
    help = "Prepares database, demo articles, search index and, in development, an editor."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            call_command("migrate", verbosity=0)
            self.load_demo()
        except DatabaseError as error:
            raise CommandError(f"The database cannot be prepared: {error}") from error
        self.bring_index_up_to_date()
        self.stdout.write(f"\nThe site: http://127.0.0.1:{os.environ.get('PORT', '8000')}/")
        if settings.DEBUG:
            self.offer_editor()

    def load_demo(self) -> None:
        """The demo articles, only into a database without any article."""
        if Article.objects.exists():
            return
        self.stdout.write("Loading the demo articles ...")
        with outbox.deferred(), transaction.atomic():  # all of it, also after a Ctrl-C
            for document in self.fixture("articles.json"):
                ImportedArticle.parse(document).store()
            for author in self.fixture("authors.json"):
                Author.objects.filter(name=author["name"]).update(bio=author["bio"])
            for category in self.fixture("categories.json"):
                Category.objects.filter(name=category["name"]).update(
                    spanish_name=category["spanish_name"]
                )
            StarterQuestion.objects.bulk_create(
                StarterQuestion(**starter, position=position)
                for position, starter in enumerate(self.fixture("starters.json"))
            )

    def fixture(self, name: str) -> Any:
        return json.loads((settings.BASE_DIR / "fixtures" / name).read_text(encoding="utf-8"))

    def bring_index_up_to_date(self) -> None:
        """Reindex where they differ; a site without its engine starts all the same."""
        try:
            if compare(get_engine()):
                self.stdout.write("Building the search index (once) ...")
                call_command("reindex", chunk_size=10, stdout=self.stdout, stderr=self.stderr)
            outbox.drain(retry_now=True)
        except (CommandError, SearchError, DatabaseError) as error:
            self.stderr.write(f"The search index is not up to date: {error}")

    def offer_editor(self) -> None:
        """An account for the admin; its password is made here, once, and kept in `var/`.

        Databases beside each other (`DATABASE_URL`) share it, so that none loses its own.
        """
        path: Path = settings.VAR_DIR / "editor-password.txt"
        editor = User.objects.filter(username=EDITOR).first()
        if not editor and not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(9), encoding="utf-8")
        password = path.read_text(encoding="utf-8") if path.exists() else ""
        if not editor:
            editor = User.objects.create_superuser(EDITOR, password=password)
        if password and editor.check_password(password):
            self.stdout.write(f"The admin: /admin/ as {EDITOR} with {password}\n")
