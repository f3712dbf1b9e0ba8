"""The reader of a model's cards: what models write instead of the JSON array, cut anywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recommendations.cards import CardFinished, CardReader, CardReading, CardStarted, CardText

ALLOWED = range(1, 6)

type Cards = list[tuple[int, str]]


def read(
    parts: Iterable[str], allowed: Collection[int] = ALLOWED, **bounds: int
) -> list[CardReading]:
    reader = CardReader(allowed, **bounds)
    events = [event for part in parts for event in reader.feed(part)]
    return events + reader.close()


def cards(events: list[CardReading]) -> Cards:
    """Number and whole text of each card; checks on the way that they come one after the other."""
    found: Cards = []
    is_open = False
    for event in events:
        match event:
            case CardStarted(number):
                assert not is_open
                assert number not in [card[0] for card in found]
                found.append((number, ""))
                is_open = True
            case CardText(number, text):
                assert is_open
                assert text
                assert number == found[-1][0]
                text.encode()  # no half of a surrogate pair
                found[-1] = (number, found[-1][1] + text)
            case CardFinished(number):
                assert is_open
                assert number == found[-1][0]
                is_open = False
    assert not is_open
    return found


def read_cards(*parts: str, allowed: Collection[int] = ALLOWED, **bounds: int) -> Cards:
    return cards(read(parts, allowed, **bounds))


def array(objects: Sequence[str]) -> str:
    return f"[{', '.join(objects)}]"


def objects_of(*numbered: tuple[Any, str], ensure_ascii: bool = True) -> list[str]:
    return [
        json.dumps(
            {"article_number": number, "title": "T", "recommendation": text},
            ensure_ascii=ensure_ascii,
        )
        for number, text in numbered
    ]


def answer(*numbered: tuple[Any, str]) -> str:
    return array(objects_of(*numbered))


TWO = answer((1, "First."), (2, "Second."))


# What is emitted, and when


def test_card_starts_as_soon_as_its_number_is_known() -> None:
    reader = CardReader(ALLOWED)
    assert reader.feed('[{"article_number": 1') == []  # it may become 12
    assert reader.feed(",") == [CardStarted(1)]


def test_text_is_emitted_as_it_arrives() -> None:
    reader = CardReader(ALLOWED)
    reader.feed('[{"article_number": 1, "recommendation": "')
    assert reader.feed("Read ") == [CardText(1, "Read ")]
    assert reader.feed("") == []
    assert reader.feed('it."') == [CardText(1, "it.")]
    assert reader.feed("}") == [CardFinished(1)]
    assert reader.close() == []


def test_recommendation_before_the_number_waits_for_it() -> None:
    reader = CardReader(ALLOWED)
    assert reader.feed('{"recommendation": "Read it.", "article_number": ') == []
    assert reader.feed("2}") == [CardStarted(2), CardText(2, "Read it."), CardFinished(2)]


def test_text_does_not_wait_while_a_nested_value_is_skipped() -> None:
    reader = CardReader(ALLOWED)
    events = reader.feed('{"article_number": 1, "recommendation": "a", "more": {"x": [')
    assert events == [CardStarted(1), CardText(1, "a")]


def test_model_may_be_stopped_when_every_card_is_finished() -> None:
    reader = CardReader([1, 2])
    reader.feed(TWO[:-2])
    assert not reader.done
    reader.feed(TWO[-2:])
    assert reader.done


def test_without_allowed_articles_there_is_nothing_to_read() -> None:
    assert CardReader([]).done
    assert read_cards(TWO, allowed=[]) == []


def test_nothing_is_read_after_the_end() -> None:
    reader = CardReader(ALLOWED)
    reader.close()
    assert reader.feed(TWO) == []
    assert reader.close() == []


# Malformed answers, by name. Each function makes one of the JSON objects of a well-formed array.

type Malform = Callable[[Sequence[str]], str]


def changed(change: Callable[[str], str]) -> Malform:
    """An array of changed objects."""
    return lambda objects: array([change(each) for each in objects])


def around(before: str, after: str = "") -> Malform:
    return lambda objects: before + array(objects) + after


def joined(separator: str) -> Malform:
    return lambda objects: f"[{separator.join(objects)}]"


def numbered(form: str) -> Malform:
    """The number is written in another form."""
    return changed(lambda each: each[:19] + form.replace("N", each[19]) + each[21:])


def began_with(fields: str) -> Malform:
    return changed(lambda each: f"{{{fields}, {each[1:]}")


def ended_with(fields: str) -> Malform:
    return changed(lambda each: f"{each[:-1]}{fields}}}")


def reordered(each: str) -> str:
    return json.dumps(dict(reversed(json.loads(each).items())), indent=1)


DRAFT = '[{"article_number": 5, "recommendation": "A draft."}]'
THOUGHT = f"<think>\nThe user wants {DRAFT} or so.\n</think>\n\n"
NO = '"recommendation": "no"'

MALFORMED: dict[str, Malform] = {
    "as asked": array,
    "indented and reordered": changed(reordered),
    "thinking closed": around("<think>\nThe user wants “cards”.\n</think>\n\n"),
    "thinking with a draft": around(THOUGHT),
    "thinking with an unfinished draft": around(f"<think>{DRAFT[:40]}</think>"),
    "thinking empty": around("<think>\n\n</think>\n\n"),
    "thinking twice": around(THOUGHT + "Hm. <think>{</think>"),
    "thinking after the array": around("", THOUGHT),
    "thinking unclosed before the array": around("<think>\nI will write\n"),
    "thinking unclosed and nested": around("<think>\n<think> <think>\n"),
    "thinking unclosed in a fence": around("<think>\nHm.\n```json\n", "\n```"),
    "thinking unclosed after the array": around("", "<think>\nWas that right?"),
    "thinking closed without being opened": around("Hm.\n</think>\n"),
    "other tags": around("<thinking><b><think "),
    "fence with a language": around("```json\n", "\n```"),
    "fence without a language": around("```\n", "\n```\n"),
    "fence unclosed": around("```JSON\n"),
    "thinking and fence": around("<think>\n\n</think>\n\n```json\n", "\n```\n"),
    "prose before": around('Here\'s the "JSON" array [as asked]: '),
    "prose with braces before": around("Use {curly} and { or {} and [1]: "),
    "prose after": around("", '\n\nI hope that "helps"! {smile} [1]'),
    "prose between": joined(' and then "this" one: '),
    "no commas between": joined("\n"),
    "too many commas between": joined(",,\n,"),
    "trailing commas": lambda objects: array([f"{each[:-1]}, }}," for each in objects]),
    "objects without brackets": "\n".join,
    "several arrays": joined("]\n\n["),
    "array twice": lambda objects: array(objects) + "\n" + array(objects),
    "array in an object": around('{"recommendations": ', "}"),
    "array in an object with more": around(
        '{"question": "{\\"", "count": 3, "of": ["a", 1, {}], "cards": ', ', "end": null}'
    ),
    "array in objects": around('{"data": {"n": 1, "recommendations": ', "}}"),
    "array in an array": around("[", "]"),
    "no closing bracket": lambda objects: array(objects)[:-1],
    "no closing brackets": lambda objects: array(objects)[:-2],
    "no closing brackets in an object": lambda objects: f'{{"cards": {array(objects)}'[:-2],
    "no closing brackets in a fence": lambda objects: f"```json\n{array(objects)[:-2]}\n```\n",
    "objects not closed": lambda objects: array([each[:-1] for each in objects]),
    "objects closed by brackets": lambda objects: "".join(f"[{each[:-1]}]" for each in objects),
    "too many closing brackets": joined("}]}, "),
    "number as a string": numbered('"N",'),
    "number in words": numbered('"Article N",'),
    "number with a hash": numbered('" #N: ",'),
    "number with decimals": numbered("N.0,"),
    "number with white space": numbered("\n\t N \n,"),
    "number in an array too": began_with('"n": [1, {"n": 5}], "id": 4'),
    "nested card before": began_with(f'"meta": {{"article_number": 5, {NO}}}'),
    "other keys after": ended_with(f', "more": {{{NO}, "article_number": [5]}}, "n": [[{{}}]]'),
    "nested cards after": ended_with(f', "n": [{{"article_number": 5, {NO}}}]'),
    "fields again": ended_with(f', "article_number": 5, {NO}'),
    "objects without a number": joined(f', {{{NO}}}, {{"article_number": null, {NO}}}, '),
    "numbers that are not allowed": joined(
        ", ".join(
            f'{{"article_number": {number}, {NO}}}'
            for number in ("", "0", "6", "-1", "1.5", '"2.5"', "9" * 40)
        ).join(", ,")
    ),
    "values of other types": joined(
        ', {"article_number": [3], "recommendation": {"article_number": true}}, '
    ),
    "scalars at the top": around('1, "a", null, ', ' "b", 2'),
}
INSIDE_THINKING = [
    "thinking unclosed before the array",
    "thinking unclosed and nested",
    "thinking unclosed in a fence",
]


def test_answers_of_the_tests_begin_with_the_number() -> None:
    assert objects_of((3, "a"))[0][:21] == '{"article_number": 3,'


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_answer_cut_at_every_position_gives_its_cards(name: str) -> None:
    expected = [(2, 'A "b" \\ ñ😀'), (1, "")]
    text = MALFORMED[name](objects_of(*expected))
    assert read_cards(text) == expected
    assert read_cards(*text) == expected
    for place in range(len(text) + 1):
        assert read_cards(text[:place], text[place:]) == expected, (text[:place], text[place:])


# Numbers, strings and their escapes


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("3", 3),
        ("3.0", 3),
        ("3.000", 3),
        ('"3"', 3),
        ('" 3. "', 3),
        ('"Article 3"', 3),
        ('"article-3: Title 4"', 3),
        ('"#3"', 3),
        ("03", 3),
        ("3.5", None),
        ("-3", None),
        ('"-3"', None),
        ('"3.5"', None),
        ('"1.3"', None),
        ("33", None),
        ("0", None),
        ("null", None),
        ("true", None),
        ('"three"', None),
        ('""', None),
        ('"٣"', None),
        ("9" * 5000, None),
        ("[3]", None),
        ('{"article_number": 3}', None),
    ],
)
def test_number_is_one_of_the_allowed(value: str, number: int | None) -> None:
    found = read_cards(f'{{"article_number": {value}, "recommendation": "a"}}')
    assert found == ([] if number is None else [(number, "a")])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"\\ \" \/ \b\f\n\r\t", '\\ " / \b\f\n\r\t'),
        (r"ma\u00f1ana \u00F1", "mañana ñ"),
        (r"\ud83d\ude00 \uD83D\uDE00", "😀 😀"),
        ("\ud83d\ude00", "😀"),  # halves in the text itself, as some servers send them
        ("\ud83d\\ude00 \\ud83d\ude00", "😀 😀"),
        (r"\ud83d", "\ufffd"),
        (r"a\ud83d b", "a\ufffd b"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ud83d\n", "\ufffd\n"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d\ude00", "\\😀"),
        ("two\nlines\r\n\tand\0more", "two\nlines\r\n\tand\0more"),
        (r"\q \' \_ \u12 \u12g4 \ug \ud83 \U", "q ' _ u12 u12g4 ug ud83 U"),
        (r"\u12\n\u\"", 'u12\nu"'),
        ("a\\\nb", "a\nb"),
        ("{[}],: <think> ``` }", "{[}],: <think> ``` }"),
    ],
)
def test_escapes_are_decoded_wherever_they_are_cut(written: str, text: str) -> None:
    whole = f'[{{"article_number": 1, "recommendation": "{written}"}}, {{"article_number": 2}}]'
    assert read_cards(whole) == [(1, text), (2, "")]
    assert read_cards(*whole) == [(1, text), (2, "")]
    for cut in range(len(whole)):
        assert read_cards(whole[:cut], whole[cut:]) == [(1, text), (2, "")]


def test_half_a_pair_waits_for_the_other_half() -> None:
    reader = CardReader(ALLOWED)
    reader.feed('{"article_number": 1, "recommendation": "')
    assert reader.feed("a\\ud83d") == [CardText(1, "a")]
    assert reader.feed("\\ude0") == []
    assert reader.feed("0b") == [CardText(1, "😀b")]
    assert reader.feed("\ud83d") == []
    assert reader.feed("\ude00") == [CardText(1, "😀")]


def test_text_cut_inside_an_escape_ends_before_it() -> None:
    for end in ("\\", "\\u", "\\ud83", "\\ud83d", "\\ud83d\\ude0", "\ud83d"):
        assert read_cards('{"article_number": 1, "recommendation": "a' + end) == [(1, "a")]


@pytest.mark.parametrize("value", ["null", "5", "true", '["a", "b"]', '{"text": "a"}', ""])
def test_card_without_a_text_is_a_card_without_text(value: str) -> None:
    assert read_cards(f'[{{"article_number": 1, "recommendation": {value}}}]') == [(1, "")]


def test_repeated_number_makes_only_the_first_card() -> None:
    assert read_cards(answer((2, "a"), (2, "b"), (1, "c"), (2, "d"))) == [(2, "a"), (1, "c")]


def test_unquoted_or_empty_objects_and_plain_prose_make_no_card() -> None:
    for text in ("", "No.", "{}", "[]", "[{}]", "{article_number: 1}", '{"', '{"a"', "{{{", "null"):
        assert read_cards(text) == []


def test_single_object_under_the_name_of_the_list_is_a_card() -> None:
    assert read_cards('{"recommendations": {"article_number": 2, "recommendation": "a"}}') == [
        (2, "a")
    ]


@pytest.mark.parametrize("value", ["2", '"2', '"Article 2'])
def test_number_at_the_very_end_of_a_truncated_answer_counts(value: str) -> None:
    assert read_cards('[{"recommendation": "a", "article_number": ' + value) == [(2, "a")]


@pytest.mark.parametrize("start", ["", "<think>\n", "```json\n", '{"recommendations": '])
def test_truncated_answer_keeps_what_was_read(start: str) -> None:
    text = start + answer((1, "First “one”."), (2, "Second."))
    full = dict(read_cards(text))
    for end in range(len(text)):
        found = read_cards(text[:end])
        assert [number for number, _ in found] == [1, 2][: len(found)]
        assert all(full[number].startswith(part) for number, part in found)
        assert all(full[number] == part for number, part in found[:-1])


# A model that never stops


def test_text_of_a_card_is_capped() -> None:
    endless = '{"article_number": 1, "recommendation": "' + "é😀" * 5000
    for parts in ([endless], endless, [endless[:50], endless[50:]]):
        assert read_cards(*parts, max_card=11) == [(1, "é😀é😀é😀é😀é😀é")]
    assert len(read_cards(endless)[0][1]) == 2000


def test_card_after_a_capped_one_is_read() -> None:
    assert read_cards(answer((1, "a" * 99), (2, "b" * 99)), max_card=3) == [(1, "aaa"), (2, "bbb")]


def test_answer_is_capped() -> None:
    text = answer((1, "First."), (2, "Second."))
    cap = text.index("Sec") + 3
    for parts in ([text], list(text), [text[:30], text[30:]]):
        assert read_cards(*parts, max_total=cap) == [(1, "First."), (2, "Sec")]


def test_endless_answer_tells_that_the_model_may_be_stopped() -> None:
    for piece in ("word ", "<think>hm ", "[", '{"a":', '{"', '{"article_number": 1, "x": "a'):
        reader = CardReader(ALLOWED)
        for _ in range(100_000 // len(piece)):
            assert not reader.done
            reader.feed(piece)
        reader.feed("x" * len(piece))
        assert reader.done
        assert reader.feed(TWO) == []
        cards(reader.close())


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "{",
        '{"a":',
        '{"a":[',
        '{"',
        '"',
        "\\",
        "<think>",
        "<",
        '{"article_number":1,"a":[',
        "1",
    ],
)
@pytest.mark.parametrize("start", ["", '{"article_number": 1, "recommendation": "', '{"a":"'])
def test_time_grows_with_the_length_only(start: str, piece: str) -> None:
    text = start + piece * (20_000 // len(piece))
    begun = time.process_time()
    cards(read([text]))
    cards(read(text))
    assert time.process_time() - begun < 3  # quadratic would be a minute


# Any answer, cut anywhere


def wellformed(text: str) -> str:
    """Halves of pairs that belong together are joined, others replaced, as the reader promises."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


SPECIAL = 'aé ñ¿"\\/{}[]:,\n\t😀👩\u200d\0\ud83d\ude00<>`0u'
CHARACTERS = st.sampled_from(SPECIAL) | st.characters(codec="utf-8")
texts = st.text(CHARACTERS, max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
others = st.dictionaries(
    texts.filter(lambda key: not key.strip().startswith("recommendation")), values, max_size=2
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, Cards]:
    """A valid JSON array with further keys in any order, and the cards in it."""
    numbers = draw(st.lists(st.integers(1, 5), unique=True, max_size=4))
    rows, expected = [], []
    for number in numbers:
        text = draw(texts)
        pairs = [*draw(others).items(), ("article_number", number), ("recommendation", text)]
        rows.append(dict(draw(st.permutations(pairs))))
        expected.append((number, wellformed(text)))
    indent = draw(st.sampled_from([None, 2]))
    text = json.dumps(rows, ensure_ascii=draw(st.booleans()), indent=indent)
    loaded = [
        (row["article_number"], wellformed(row["recommendation"])) for row in json.loads(text)
    ]
    assert loaded == expected
    return text, expected


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    places = draw(st.lists(st.integers(0, len(text)), max_size=20))
    return [text[start:end] for start, end in pairwise(sorted({0, len(text), *places}))]


@settings(max_examples=50)
@given(data=st.data(), written=answers())
def test_valid_json_gives_what_json_loads_gives(
    data: st.DataObject, written: tuple[str, Cards]
) -> None:
    text, expected = written
    assert read_cards(text) == expected
    assert read_cards(*data.draw(pieces(text))) == expected


@pytest.mark.parametrize("name", MALFORMED)
@settings(max_examples=8)
@given(data=st.data())
def test_malformed_answer_of_any_text_cut_anywhere_gives_its_cards(
    name: str, data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.integers(1, 4), unique=True, min_size=1, max_size=4))
    written = [(number, data.draw(texts)) for number in numbers]
    # Inside a thinking without end the tag in a card's text is its end (the test below).
    assume(name not in INSIDE_THINKING or "</think>" not in str(written))
    text = MALFORMED[name](objects_of(*written, ensure_ascii=data.draw(st.booleans())))
    expected = [(number, wellformed(recommendation)) for number, recommendation in written]
    assert read_cards(text) == expected
    assert read_cards(*text) == expected
    assert read_cards(*data.draw(pieces(text))) == expected


@pytest.mark.parametrize("name", INSIDE_THINKING)
def test_tag_in_the_text_of_a_card_ends_a_thinking_that_has_no_other_end(name: str) -> None:
    text = MALFORMED[name](objects_of((1, "It ends </think> here.")))
    assert read_cards(text) == read_cards(*text) == []


FRAGMENTS = st.sampled_from(
    [
        *'{}[]":,\\ \n<>/u1é😀\ud83d\ude00',
        '{"',
        "\\u",
        "\\ud83d",
        "\\ude00",
        '"article_number"',
        '"recommendation"',
        '"recommendations"',
        ": 1",
        ': "2',
        ': "text',
        "<think>",
        "</think>",
        "```json",
        DRAFT,
        DRAFT[:-3],
    ]
)


@settings(max_examples=150)
@given(data=st.data(), text=st.lists(FRAGMENTS | st.text(max_size=3), max_size=25).map("".join))
def test_no_text_raises_and_no_cut_matters(data: st.DataObject, text: str) -> None:
    found = read_cards(text)
    assert {number for number, _ in found} <= set(ALLOWED)
    assert read_cards(*text) == found
    assert read_cards(*data.draw(pieces(text))) == found
