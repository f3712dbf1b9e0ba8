"""The change form of an article, which two editors may have open at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from articles.models import Article

CHANGED_MEANWHILE = _(
    "This article, or the name of its author or category, was changed at {time}, after you opened "
    'this form. Yours is not saved yet: compare it with <a href="{address}" target="_blank">the '
    "article as it is now</a>, then save again to replace that with yours."
)


class ArticleForm(forms.ModelForm[Article]):
    """Saves over what somebody else has saved meanwhile only after saying so, once."""

    opened_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["opened_version"] = self.instance.version

    @cached_property
    def changed_data(self) -> list[str]:
        """What the history of the article lists: fields of the article."""
        return [name for name in super().changed_data if name != "opened_version"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._name_the_fields(cleaned)
        opened = cleaned.pop("opened_version", None)
        # Read again to lock it, so that nobody saves between this look and our own save.
        stored = Article.objects.select_for_update().filter(pk=self.instance.pk).first()
        if stored and opened not in (None, stored.version) and _differs(stored, cleaned):
            # Sent again, the form is about what the editor has now been told of.
            self.data = data = cast(QueryDict, self.data).copy()
            data[self.add_prefix("opened_version")] = str(stored.version)
            raise ValidationError(_sentence(stored), code="changed_meanwhile")
        return cleaned

    def _name_the_fields(self, cleaned: Mapping[str, Any]) -> None:
        """What the constraints of an article say too, but above the form and of no field."""
        missing = "category" in cleaned and cleaned["category"] is None
        if missing and cleaned.get("status") == Article.Status.PUBLISHED:
            self.add_error("category", _("Choose a category before publishing."))
        english = cleaned.get("language") == Article.Language.ENGLISH
        if english and cleaned.get("translated_title"):
            sentence = _("An English article has no separate English title.")
            self.add_error("translated_title", sentence)


def _differs(stored: Article, cleaned: dict[str, Any]) -> bool:
    """Whether saving would change anything; the second click of a double click would not."""
    return any(getattr(stored, name) != value for name, value in cleaned.items())


def _sentence(stored: Article) -> str:
    time = date_format(timezone.localtime(stored.updated_at), "SHORT_DATETIME_FORMAT")
    return format_html(str(CHANGED_MEANWHILE), time=time, address=stored.get_absolute_url())
