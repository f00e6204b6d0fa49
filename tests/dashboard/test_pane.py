"""What a terminal shows is shown, coloured, and does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest

from ccmux.dashboard.widgets.pane import coloured
from tests.dashboard.house import make
from tests.rig import Rig, until


def test_colours_are_kept() -> None:
    text = coloured("a \x1b[31mred\x1b[0m \x1b[38;2;1;2;3;1mbold\x1b[49m.\x1b[0m")
    assert text.plain == "a red bold."
    assert [str(span.style) for span in text.spans if span.style] == ["color(1)", "bold #010203", "bold #010203"]


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
        "\x1b]0;title\x1b\\",
        "\x1b]52;c;YWJj\x07",
        "\x1b[2J\x1b[H\x1b[?1049h",
        "\x1bPq#0\x1b\\",
        "\x1b(0lqk\x1b(B",
        "\x9b31m\x07\x08\x00\u202e",
        "[@click=app.quit]x[/] [/foo]",
        "\x1b",
        "\x1b[",
        "\x1b[38;5;999999mx\x1b[38;2mx\x1b[;;;m",
        "\x1b[1;2;3;4;5;7;9;30;200;m" * 100,
    ],
)
def test_nothing_else_has_any_effect(hostile: str) -> None:
    text = coloured(f"before {hostile} after")
    assert all(char.isprintable() or char == "\n" for char in text.plain)
    assert text.plain.startswith("before")
    assert not [span for span in text.spans if not isinstance(span.style, str) and (span.style.link or span.style.meta)]
    if "@click" in hostile:
        assert "[@click=app.quit]x[/] [/foo]" in text.plain


def test_a_person_goes_to_the_terminal_and_comes_back(house: Rig, tmp_path: Path) -> None:
    make(house, "a")
    person = pexpect.spawn(
        sys.executable,
        ["-m", "ccmux", "dashboard"],
        env=house.env | {"TMUX": "/nowhere,1,0"},
        dimensions=(36, 120),
        timeout=30,
        encoding="utf-8",
    )
    with (tmp_path / "seen").open("w") as seen:
        person.logfile_read = seen
        person.expect("idle")
        person.send("t")
        person.expect("detach: prefix")
        until(lambda: house.tmux("a", "list-clients"), "it is attached")
        person.send("\x02d")
        person.expect("Approvals")
        person.send("q")
        person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0
