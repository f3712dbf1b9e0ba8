"""Markdown is rendered, and hostile content does not get through."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.markdown import plain_text, render

HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    '![x](x"onerror="alert(1))',
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "<svg><script>alert(1)</script></svg>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<style>body{background:url(javascript:alert(1))}</style>",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\ncode\n```',
    "| a |\n|---|\n| <script>alert(1)</script> |",
    "> <div onclick=alert(1)>\n> - <b onmouseover=alert(1)>x</b>",
    "# <script>alert(1)</script>",
    "[![x](javascript:a)](vbscript:b)",
    "<!--><script>alert(1)</script>-->",
    "\0<script\0>alert(1)</script>",
]


def dangers(html: str) -> list[str]:
    """Elements, attributes and addresses that could run code."""
    tags = re.findall(r"<[^>]*>", html)
    bad = re.compile(r"<\s*/?\s*(script|iframe|svg|style|object|embed|form)|\son\w+\s*=", re.I)
    scheme = re.compile(r"(href|src)\s*=\s*[\"']?\s*(javascript|data|vbscript):", re.I)
    return [tag for tag in tags if bad.search(tag) or scheme.search(tag)]


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_markdown_renders_harmless(source: str) -> None:
    assert dangers(render(source)) == []


@given(st.lists(st.sampled_from([*HOSTILE, "**", "`", "\n\n", "- ", "text", "[", "](", ")"])))
def test_hostile_pieces_stay_harmless_in_any_order(pieces: list[str]) -> None:
    assert dangers(render("".join(pieces))) == []


def test_the_check_for_danger_sees_danger() -> None:
    assert dangers("<p onclick=x><script>") and dangers('<a href="javascript:x">')


def test_text_tables_and_links_are_rendered() -> None:
    html = render("A *word*, a [link](https://vereda.example/).\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<em>word</em>" in html
    assert '<a href="https://vereda.example/" rel="noopener">link</a>' in html
    assert "<td>1</td>" in html


def test_first_texts_of_a_process_may_come_at_once() -> None:
    """markdown-it compiles its rules at its first text, where other threads can see it."""
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from articles.markdown import parser

THREADS = 6
sys.setswitchinterval(1e-6)
barrier = Barrier(THREADS)

def first(number):
    barrier.wait()
    return parser().render("## Hi\\n\\nSome *words*.")

found = set()
with ThreadPoolExecutor(THREADS) as pool:
    for _process in range(300):
        parser.cache_clear()
        found.update(pool.map(first, range(THREADS)))
print(found)
"""
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "{'<h2>Hi</h2>\\n<p>Some <em>words</em>.</p>\\n'}"


def test_code_of_a_known_language_is_highlighted() -> None:
    html = render("```python\nreturn 1 < 2\n```")
    assert '<code class="language-python">' in html
    assert '<span class="hl-k">return</span>' in html
    assert "&lt;" in html


def test_code_of_an_unknown_language_is_shown_as_it_is() -> None:
    assert "a &lt; b" in render("```klingon\na < b\n```")


def test_headings_of_an_article_start_below_the_page_title() -> None:
    assert render("# One\n\n## Two") == "<h2>One</h2>\n<h3>Two</h3>\n"
    assert render("## Two") == "<h2>Two</h2>\n"


def test_plain_text_keeps_words_and_drops_marks() -> None:
    source = (
        "## Head\n\nA **bold** [link](x) and `code`,\nnext line.\n\n- item\n\n```sql\nSELECT 1\n```"
    )
    assert plain_text(source) == "Head\n\nA bold link and code, next line.\n\nitem\n\nSELECT 1"


def table(*rows: str) -> str:
    """A Markdown table with a delimiter row after the first of `rows`."""
    header, *body = rows
    return "\n".join([header, "|---" * (header.count("|") - 1) + "|", *body])


def test_plain_text_of_a_table_names_the_column_of_each_value() -> None:
    limits = table("| Plan | Requests |", "| Free | 100 |", "| **Pro** | `1000` |")
    assert plain_text(f"Limits:\n\n{limits}\n\nEnd.") == (
        "Limits:\n\nPlan: Free · Requests: 100.\nPlan: Pro · Requests: 1000.\n\nEnd."
    )


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (["| | May | June |", "| Views | 31% | 52% |"], "Views · May: 31% · June: 52%."),
        (["| Who: | When |", "| Ana | |"], "Who: Ana."),
        (
            ["| Plan | Export |", "| Team | CSV, JSON; more |"],
            "Plan: Team · Export: CSV, JSON; more.",
        ),
        (["| a | b |", "| x\\|y | Really? |"], "a: x|y · b: Really?"),
        (["| a | b |", "| short |", "| 1 | 2 | 3 |"], "a: short.\na: 1 · b: 2."),
        (["| only | names |"], "only · names."),
        (["| |", "| |"], ""),
    ],
)
def test_plain_text_of_odd_tables(rows: list[str], text: str) -> None:
    assert plain_text(table(*rows)) == text
    assert plain_text("\n".join(f"> {line}" for line in table(*rows).splitlines())) == text


@given(st.lists(st.text("a|: -\n.", max_size=9), max_size=9))
def test_no_table_is_without_words(lines: list[str]) -> None:
    text = plain_text("\n".join(["| a | b |", "|---|---|", *lines]))
    assert text
    assert "\n\n\n" not in text
