"""The search form: what a reader may ask and filter by."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from articles.models import Article, Author, Category
from articles.search.base import FACETS, Facet


class SearchForm(forms.Form):
    """`q` with optional filters; each error is a sentence that says what to do."""

    q = forms.CharField(
        label=_("Your question"),
        required=False,
        validators=[
            MaxLengthValidator(
                settings.SEARCH_MAX_QUERY_LENGTH,
                _(
                    "Your question has %(show_value)d characters; please shorten it to "
                    "%(limit_value)d or fewer."
                ),
            )
        ],
    )
    category = forms.ModelChoiceField(
        Category.objects.all(),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": _("There is no such category; choose another one.")},
    )
    author = forms.ModelChoiceField(
        Author.objects.all(),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": _("There is no such author; choose another one.")},
    )
    language = forms.ChoiceField(
        choices=[("", ""), *Article.Language.choices],
        required=False,
        error_messages={"invalid_choice": _("Articles are in English (en) or Spanish (es).")},
    )
    year = forms.IntegerField(
        min_value=1,
        max_value=9999,
        required=False,
        error_messages={
            "invalid": _("The year is a number such as 2026."),
            "min_value": _("The year is a number such as 2026."),
            "max_value": _("The year is a number such as 2026."),
        },
    )
    sort = forms.ChoiceField(
        choices=[("", _("Relevance")), ("relevance", _("Relevance")), ("date", _("Date"))],
        required=False,
        error_messages={"invalid_choice": _("Results can be sorted by relevance or by date.")},
    )

    def filters(self) -> dict[Facet, str]:
        """The chosen filters as an engine takes them."""
        chosen: dict[Facet, Any] = {facet: self.cleaned_data[facet] for facet in FACETS}
        return {
            facet: value.slug if isinstance(value, Author | Category) else str(value)
            for facet, value in chosen.items()
            if value
        }
