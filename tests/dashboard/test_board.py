"""What a row says, and that nothing from outside can break or steer it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from rich.cells import cell_len

from ccmux.dashboard.board import Board, Instance, Report, instance_of, report_of
from ccmux.dashboard.widgets.columns import GAP, Cell, Column, Line, cut, fit, natural
from ccmux.dashboard.widgets.fleet import COLUMNS, line_of
from ccmux.dashboard.words import age, block, count, minutes, money, plain, sparkline
from tests.dashboard import office

HOSTILE: list[Any] = [
    "[/foo]",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "a\u202eb\u200bc\x00\ud800",
    "語" * 5000,
    "line\nline\r\n\tline",
    None,
    True,
    -1,
    10**40,
    float("nan"),
    float("inf"),
    [],
    ["x", 3, None, "[red]y"],
    {"a": {"b": []}},
    {"total": "many"},
]


def test_a_report_as_it_should_be() -> None:
    told = office.report("billing", current_task="Move", progress="5/9", alerts=["a"], deliverables=["b", "c"])
    found = report_of(told)
    assert found is not None
    assert (found.project, found.task, found.progress, found.alerts, found.deliverables) == (
        "billing",
        "Move",
        "5/9",
        ("a",),
        ("b", "c"),
    )
    assert found.at == office.NOW - 420
    assert (found.tokens, found.cost, found.minutes) == (45_230, 2.41, 67)


def test_values_of_wrong_types_are_as_if_they_were_not_there() -> None:
    found = report_of(
        {"project": "p", "ts": 5, "current_task": ["x"], "progress": 0.5, "session_tokens_today": "9", "alerts": "no"}
    )
    assert found == Report("p")
    assert instance_of({"name": "a", "queue": 3, "usage": [], "since": "now"}) == Instance("a")
    nobodies: list[Any] = [None, 3, [], {}, {"name": 4}, {"project": ""}]
    for nobody in nobodies:
        assert report_of(nobody) is None
        assert instance_of(nobody) is None


def test_nothing_hostile_breaks_a_row_or_gets_through() -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    for _ in range(400):
        told = office.report("a") | {key: chance.choice(HOSTILE) for key in office.report("a") if key != "project"}
        state = office.instance("a") | {key: chance.choice(HOSTILE) for key in office.instance("a") if key != "name"}
        board = Board()
        board.put(state)
        found = report_of(told)
        assert found is not None
        board.reports["a"] = found
        (row,) = board.rows()
        for cell in line_of(row, office.NOW).cells:
            assert all(char.isprintable() for char in cell.text), repr(cell.text)
            assert len(cell.text) < 1000


def test_what_a_report_says_goes_before_what_is_worked_on() -> None:
    board = Board()
    office.fill(board)
    tasks = {row.instance.name: row.task for row in board.rows()}
    assert tasks["website"] == "Landing page, second draft"
    del board.reports["website"]
    assert {row.instance.name: row.task for row in board.rows()}["website"].startswith("make the headline")


def test_without_a_report_the_journal_tells_what_was_used_and_without_both_the_report() -> None:
    board = Board()
    office.fill(board)
    rows = {row.instance.name: row for row in board.rows()}
    assert rows["main"].tokens == 182_400
    assert rows["billing"].tokens == 1_243_000
    board.put(office.instance("billing"))
    assert {row.instance.name: row for row in board.rows()}["billing"].tokens == 45_230


def test_the_assistant_comes_first_and_rows_stay_where_they_are() -> None:
    board = Board()
    office.fill(board)
    names = [row.instance.name for row in board.rows()]
    assert names[0] == "main"
    assert names[1:] == sorted(names[1:])
    board.forget("docs")
    assert [row.instance.name for row in board.rows()] == [name for name in names if name != "docs"]


@pytest.mark.parametrize("room", [20, 36, 38, 60, 80, 100, 120, 160, 240])
def test_columns_never_take_more_room_than_there_is(room: int) -> None:
    board = Board()
    office.fill(board)
    lines = [line_of(row, office.NOW) for row in board.rows()]
    shown = fit(COLUMNS, room, natural(COLUMNS, lines))
    taken = sum(width for _, width in shown) + GAP * (len(shown) - 1)
    assert taken <= room
    titles = [COLUMNS[index].title for index, _ in shown]
    if room >= 36:
        assert titles[:3] == ["", "NAME", "STATE"]
    if room >= 240:
        assert len(shown) == len(COLUMNS)
        assert all(width == want for (_, width), want in zip(shown, natural(COLUMNS, lines), strict=True))


def test_the_least_important_column_goes_first() -> None:
    columns = [Column("A", 5), Column("B", 5, rank=2), Column("C", 5, rank=1)]
    wanted = natural(columns, [Line("x", (Cell("aaaaa"), Cell("bbbbb"), Cell("ccccc")))])
    assert fit(columns, 19, wanted) == [(0, 5), (1, 5), (2, 5)]
    assert fit(columns, 18, wanted) == [(0, 5), (2, 5)]
    assert fit(columns, 3, wanted) == [(0, 5)]


@pytest.mark.parametrize("text", ["", "abc", "語語語語", "e\u0301e\u0301", "👩‍👩‍👧 ok", "x" * 50])
@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int) -> None:
    assert cell_len(cut(text, width)) == width
    assert cell_len(cut(text, width, right=True)) == width


def test_words() -> None:
    assert [count(one) for one in (0, 987, 1234, 34_000, 5_600_000, 7.2e9)] == [
        "0",
        "987",
        "1.2k",
        "34k",
        "5.6M",
        "7.2G",
    ]
    assert [age(one, 1000.0) for one in (0, 995, 700, 999.5, 2000)] == ["", "5s", "5m", "0s", "0s"]
    assert (money(1.5, billed=True), money(1234.5, billed=False)) == ("$1.50", "~$1,234.50")
    assert [minutes(one) for one in (0.4, 59.9, 60, 213)] == ["0m", "59m", "1h00", "3h33"]
    assert sparkline((0, 1, 8, 4), 24) == "▁▂█▅"
    assert sparkline((0, 0), 24) == ""
    assert plain("a\nb\x1b[31m\u202e") == "a b\ufffd[31m\ufffd"
    assert block("a\r\nb\x07") == "a\nb\ufffd"
    assert block("x" * 70_000).endswith("… 10000 more characters")


def test_json_of_any_shape_is_taken(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ccmux.dashboard import reports

    monkeypatch.setenv("CCMUX_HOME", str(tmp_path))
    assert (reports.latest(), reports.log(5), reports.raw()) == ({}, [], [])
    directory = tmp_path / ".ccmux" / "data" / "projects"
    directory.mkdir(parents=True)
    lines = [b"{torn", b"\xff\xfe", b"[1]", b"3", b"[" * 100_000, json.dumps(office.report("a")).encode(), b""]
    (directory / "dashboard.jsonl").write_bytes(b"\n".join(lines))
    assert list(reports.latest()) == ["a"]
    (directory / "reports.jsonl").write_bytes(
        b"x" * (1 << 21) + b"\n" + json.dumps(office.report("b")).encode() + b"\n"
    )
    assert [one.project for one in reports.log(5)] == ["b"]
