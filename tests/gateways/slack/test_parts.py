"""Nothing is lost, nothing is too long, every part is readable alone, and nobody is notified."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ccmux.gateways.slack.format.clean import clean, defuse
from ccmux.gateways.slack.format.parts import FilePart, Limits, Part, parts
from ccmux.gateways.slack.format.size import units

NOISE = st.text(
    st.one_of(
        st.sampled_from("<>!@#&;|`~-*_[]() \n\r\t\\\x1b\u200b\u200d\u202e\u0301\U0001f1e9\U0001f3fd\U0001f469abUC09"),
        st.characters(),
    )
)
BAIT = st.lists(
    st.one_of(
        NOISE,
        st.sampled_from(
            [
                *(
                    "<!channel>",
                    "<!here|x>",
                    "<!everyone>",
                    "<!subteam^S1>",
                    "<!date^1^{date}|x>",
                    "<@U1>",
                    "<#C1>",
                    "<@",
                ),
                *(
                    "@channel",
                    "@here",
                    "@everyone",
                    "&lt;!here&gt;",
                    "&#60;",
                    "&#x40;here",
                    "&num;",
                    "**",
                    "```\n",
                    "# ",
                ),
                *(
                    "<\\!here>",
                    "channel",
                    "here",
                    "<!",
                    "[a](https://x.org)",
                    "<https://x.org|",
                    "\n\n",
                    "|---|\n",
                    "> ",
                ),
            ]
        ),
    ),
    max_size=60,
).map("".join)

WORDS = st.lists(
    st.sampled_from(["word", "`code`", "**strong**", "e\u0301", "👩\u200d💻", "🇩🇪", "日本語", "a_b"]), min_size=1
)
SENTENCE = WORDS.map(" ".join)
CODE = st.lists(st.sampled_from(["x = 1", "", "    if y:", "`` not an end", "| a | b |", "# no heading", "z" * 150]))


@st.composite
def fences(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["```", "````", "~~~", "``````"]))
    lead, within = draw(
        st.sampled_from([("", ""), ("> ", "> "), ("- ", "  "), ("- a\n  - b\n\n    ", "    "), ("1. ", "   ")])
    )
    lines = [*draw(CODE) * draw(st.integers(1, 9)), *(["```"] if mark == "````" else [])]
    inner = "".join(f"{within}{line}\n" for line in lines)
    return f"{lead}{mark}{draw(st.sampled_from(['', 'py', 'c++ {1}']))}\n{inner}{within}{mark}\n"


TABLES = st.integers(0, 40).map(lambda rows: "| a | b |\n|---|:-:|\n" + "| 1 | `x` |\n" * rows)
LISTS = st.lists(SENTENCE, min_size=1, max_size=12).map(lambda items: "".join(f"- {one}\n  - {one}\n" for one in items))
QUOTES = SENTENCE.map(lambda said: f"> {said}\n> and `more`\n")
HEADINGS = SENTENCE.map(lambda said: f"## {said}\n")
DOCUMENTS = st.lists(st.one_of(SENTENCE, fences(), TABLES, LISTS, QUOTES, HEADINGS), max_size=12).map("\n\n".join)
LIMITS = st.integers(320, 900).map(lambda part: Limits(part=part, text=100, most_parts=10_000))

LIVE = re.compile(r"(?:<|&lt;|&#60;)(?:[@#][A-Z0-9]|!(?:channel|here|everyone|subteam))", re.IGNORECASE)
CALL = re.compile(r"(?<![A-Za-z0-9])@(?:channel|here|everyone)(?![A-Za-z0-9])", re.IGNORECASE)


def shown(text: str, limits: Limits) -> list[Part]:
    return [one for one in parts(text, limits) if isinstance(one, Part)]


def joined(found: list[Part], text: str) -> bool:
    """The bodies are the text; what is between them is blank."""
    at = 0
    for one in found:
        while not text.startswith(one.body, at):
            if not text[at].isspace():
                return False
            at += 1
        at += len(one.body)
    return not text[at:].strip()


@given(st.one_of(DOCUMENTS, BAIT), LIMITS)
def test_nothing_is_lost(text: str, limits: Limits) -> None:
    assert joined(shown(text, limits), defuse(clean(text)).strip("\n"))


@given(st.one_of(DOCUMENTS, BAIT), LIMITS)
@example("|" * 999 + "\n|-|\n" + "| a |\n" * 99, Limits(part=320, most_parts=999))
@example("```" + "i" * 999 + "\n" + "x" * 999, Limits(part=320, most_parts=999))
@example("👍" * 999, Limits(part=321, most_parts=999))
def test_no_part_is_too_long_or_empty(text: str, limits: Limits) -> None:
    for one in shown(text, limits):
        assert units(one.markdown) <= limits.part
        assert units(one.text) <= limits.text
        assert one.markdown.strip()
        assert one.text.strip()


@given(DOCUMENTS, LIMITS)
def test_every_part_closes_its_fences(text: str, limits: Limits) -> None:
    for one in shown(text, limits):
        tokens = MarkdownIt("commonmark").parse(f"{one.markdown}\n\nAFTERWARDS")
        last = [token for token in tokens if token.content][-1]
        assert (last.type, last.content, last.level) == ("inline", "AFTERWARDS", 1)


@given(BAIT, st.integers(1, 3))
def test_nobody_is_notified(text: str, most: int) -> None:
    for one in parts(text, Limits(part=320, text=100, most_parts=most)):
        outputs = [one.content, one.text] if isinstance(one, FilePart) else [one.markdown, one.text]
        if isinstance(one, Part):
            outputs.append(one.plain_payload()["text"])
            assert "<" not in outputs[1]
            assert "<" not in outputs[2]
        for output in outputs:
            assert not LIVE.search(output)
            assert not CALL.search(output)
            assert not any(
                unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t\u200c\u200d" for c in output
            )


@given(BAIT)
def test_twice_is_once(text: str) -> None:
    once = defuse(clean(text))
    assert defuse(clean(once)) == once


@given(st.lists(st.sampled_from(["👩\u200d💻", "👍🏽", "🇩🇪", "e\u0301", "ก\u0e33", "x "]), min_size=300))
def test_no_character_is_cut(letters: list[str]) -> None:
    for one in shown("".join(letters), Limits(part=320, most_parts=999)):
        first, last = one.body[0], one.body[-1]
        assert not unicodedata.combining(first)
        assert first not in "\u200d\U0001f3fd"
        assert last != "\u200d"
        assert one.body.count("\U0001f1e9") == one.body.count("\U0001f1ea")


@pytest.mark.parametrize("size", [5_000, 10_900])
def test_what_fits_a_part_stays_whole(size: int) -> None:
    fence = "```py\n" + "x = 1\n" * (size // 6) + "```"
    table = "| a |\n|---|\n" + "| 1 |\n" * (size // 6)
    found = shown("\n\n".join(["words " * 1_000, fence, "more " * 1_500, table, "end"]), Limits(most_parts=99))
    assert any(fence in one.markdown for one in found)
    assert any(table in one.markdown for one in found)
    assert all(not one.opened and not one.closed for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "- a\n  - b\n\n    ```py\n" + "    x = 1\n" * 99 + "    ```\n",
        "1. a\n   - b\n     - c\n\n       ~~~\n" + "       x = 1\n" * 99 + "       ~~~\n",
        "> ```\n" + "> x = 1\n" * 99 + "> ```\n",
        "> ```\n> x\nno quote\n",
        "```\n" + "x = 1\n" * 99,
        "````\n" + "```\nx\n" * 99 + "````\n",
        "word " * 63 + "``` and more " * 30,
        "word" * 79 + "``` and more " * 30,
        "~~~\n" + "word " * 60 + " ~~~ and more " * 30 + "\n~~~\n",
    ],
)
def test_no_fence_is_left_open_nor_begun(text: str) -> None:
    for most in range(320, 360):
        for one in shown(text, Limits(part=most, text=100, most_parts=999)):
            tokens = MarkdownIt("commonmark").parse(f"{one.markdown}\n\nAFTERWARDS")
            assert tokens[-2].content == "AFTERWARDS"
            assert tokens[-2].level == 1
            fenced = [token for token in tokens if token.type == "fence"]
            assert bool(fenced) == (not text.startswith("word"))


@pytest.mark.parametrize(
    ("raw", "harmless"),
    [
        ("<!channel>", "< !channel>"),
        ("<@U1|a>", "< @U1|a>"),
        ("&lt;!here&gt;", "&lt; !here&gt;"),
        ("&#x3C;&#64;U1>", "&#x3C; &#64;U1>"),
        ("<\\!here>", "< \\!here>"),
        ("<\u200d!here>", "< \u200d!here>"),
        ("_@Here_ &commat;channel", "_@ Here_ &commat; channel"),
        ("<!DOCTYPE html> <!-- x --> <b> a<b me@here.org <https://x.org>", None),
        ("#include <#> <@> @hereford <T extends U>", None),
    ],
)
def test_tokens_and_nothing_else(raw: str, harmless: str | None) -> None:
    assert defuse(clean(raw)) == (raw if harmless is None else harmless)


def test_a_heading_goes_with_what_it_announces() -> None:
    text = "word " * 50 + "\n\n## Next\n\nThat is:\n\n" + "- item\n" * 20
    first, second = shown(text, Limits(part=320))
    assert "Next" not in first.markdown
    assert second.markdown.startswith("## Next\n\nThat is:\n\n- item\n")


def test_a_fence_is_opened_again_and_a_header_repeated() -> None:
    code = shown("```c++ {1}\n" + "int i;\n" * 80 + "```", Limits(part=320))
    assert [one.opened for one in code] == ["", "```c++ {1}\n"]
    assert [one.closed for one in code] == ["```", ""]
    table = shown("| a | b |\n|--:|---|\n" + "| 1 | 2 |\n" * 50, Limits(part=320))
    assert [one.opened for one in table] == ["", "| a | b |\n|--:|---|\n"]


def test_a_list_is_cut_before_an_item_of_its_own() -> None:
    for one in shown("- item\n  - beneath\n    more of it\n" * 40, Limits(part=320, most_parts=99)):
        assert one.markdown.startswith("- item")


def test_too_many_parts_are_a_beginning_and_a_file() -> None:
    text = "```\n" + "line\n" * 1_000 + "```"
    begin, file = parts(text, Limits(part=400, most_parts=2))
    assert isinstance(begin, Part)
    assert isinstance(file, FilePart)
    assert units(begin.markdown) <= 400
    assert begin.markdown.endswith(f"\n```\n\n_… All {len(text)} characters of this answer are in the file answer.md._")
    assert file.content == text + "\n"


@pytest.mark.parametrize("text", ["", "\n \n", "\u200b", "\x1b[0m"])
def test_an_empty_answer_is_said(text: str) -> None:
    (one,) = shown(text, Limits())
    assert (one.markdown, one.text) == ("_(an empty answer)_", "(an empty answer)")


def test_a_refused_block_is_sent_as_it_was_written() -> None:
    (one,) = shown("**a** < b & [x](https://x.org) <https://y.org>", Limits())
    assert one.payload() == {
        "text": "a &lt; b &amp; x (https://x.org) https://y.org",
        "blocks": [{"type": "markdown", "text": "**a** < b & [x](https://x.org) <https://y.org>"}],
    }
    assert one.plain_payload() == {"text": "**a** &lt; b &amp; [x](https://x.org) &lt;https://y.org&gt;"}


def test_what_the_plain_text_cannot_hold_is_counted() -> None:
    (one,) = shown("&" * 10_000, Limits())
    text = one.plain_payload()["text"]
    assert len(text) < 40_000
    assert text.endswith(f"\n… {10_000 - text.count('&amp;')} more characters")
