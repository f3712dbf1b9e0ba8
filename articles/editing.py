"""What an editor is told about a text while writing it: its length, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from articles.markdown import plain_text, render
from articles.models import Article, Author, Category, NamedPage
from articles.search.language import detect_language

LANGUAGE_WORDS = 30  # with fewer, code and names can look like any language

NO_TITLE = _("The article has no title yet.")
NO_ENGLISH_TITLE = _("A Spanish article needs an English title, for readers who search in English.")
NEEDLESS_ENGLISH_TITLE = _(
    "An English article has no separate English title: empty that field, or change the language."
)
NO_CATEGORY = _("The article has no category yet; without one it cannot be published.")
NO_CONTENT = _("The article has no content yet.")
READS_LIKE = {
    "en": _("The text reads like English, but the language is Spanish."),
    "es": _("The text reads like Spanish, but the language is English."),
}


def draft_from(values: Mapping[str, str]) -> Article:
    """The unsaved article that the fields of the change form hold now, however incomplete."""
    language = values.get("language", "")
    draft = Article(
        title=values.get("title", "").strip(),
        translated_title=values.get("translated_title", "").strip(),
        language=language if language in Article.Language else Article.Language.ENGLISH,
        content=values.get("content", "").replace("\0", ""),
    )
    if author := _chosen(Author, values.get("author", "")):
        draft.author = author
    draft.category = _chosen(Category, values.get("category", ""))
    return draft


def _chosen[Page: NamedPage](model: type[Page], value: str) -> Page | None:
    # At most 18 digits: a longer number is none that SQLite could look for.
    known = value.isdecimal() and len(value) <= 18
    return model._default_manager.filter(pk=value).first() if known else None


def word_count(article: Article) -> int:
    """The words that a reader sees, without Markdown's signs and addresses."""
    return len(strip_tags(render(article.content)).split())  # plain text repeats column names


def warnings(article: Article) -> list[str | Promise]:
    """One sentence for each thing to do before publishing; none for a finished article."""
    english = article.language == Article.Language.ENGLISH
    found: list[str | Promise] = []
    if not article.title:
        found.append(NO_TITLE)
    if not english and not article.translated_title:
        found.append(NO_ENGLISH_TITLE)
    if english and article.translated_title:
        found.append(NEEDLESS_ENGLISH_TITLE)
    if article.category_id is None:
        found.append(NO_CATEGORY)
    words = plain_text(article.content)
    if not article.content.strip():
        found.append(NO_CONTENT)
    elif len(words.split()) >= LANGUAGE_WORDS:
        language = detect_language(words)
        if language != article.language:
            found.append(READS_LIKE[language])
    return found
