"""The page "What readers ask" and its export, for staff who may see the log."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.admin.access import for_staff_with
from recommendations import chart, export
from recommendations.insights import PERIODS, Insights, without_good_answer

VIEW = "recommendations.view_querylog"
ROWS = 15  # of each table


class PeriodForm(forms.Form):
    days = forms.TypedChoiceField(choices=[(n, n) for n in PERIODS], coerce=int, required=False)


def chosen(request: HttpRequest) -> Insights:
    """`?days=`; anything but a known period is the shortest."""
    form = PeriodForm(request.GET)
    return Insights((form.is_valid() and form.cleaned_data["days"]) or PERIODS[0])


@require_safe
@for_staff_with(VIEW)
def insights(request: HttpRequest) -> HttpResponse:
    found = chosen(request)
    questions, days = found.questions(), found.by_day()
    context = admin.site.each_context(request) | {
        "title": _("What readers ask"),
        "is_tool": True,
        "days": found.days,
        "periods": PERIODS,
        "asked": sum(day.asked for day in days),
        "unanswered": sum(day.unanswered for day in days),
        "up": sum(entry.up for entry in questions),
        "down": sum(entry.down for entry in questions),
        "chart": chart.draw(days),
        "votes_chart": chart.draw_votes(days),
        "by_day": days[::-1],
        "frequent": questions[:ROWS],
        "without": without_good_answer(questions)[:ROWS],
        "articles": found.articles(ROWS),
    }
    return render(request, "admin/recommendations/insights.html", context)


@require_safe
@for_staff_with(VIEW)
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    found = chosen(request)
    name = f"questions-{timezone.localdate():%Y-%m-%d}-{found.days}-days.csv"
    return StreamingHttpResponse(
        export.rows(found.log()),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
