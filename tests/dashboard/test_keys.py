"""What keys and clicks do, on an office that stands still; what they act on is noted in place of a daemon."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static, TextArea

from ccmux.dashboard.acts import Acts
from ccmux.dashboard.board import report_of
from ccmux.dashboard.screens.approvals import Approvals
from ccmux.dashboard.screens.overview import Overview
from ccmux.dashboard.widgets.table import Table
from ccmux.errors import Refused
from ccmux.journal.connection import connect
from tests.dashboard import office
from tests.dashboard.look import calm, dashboard, press, until, words
from tests.dashboard.test_board import HOSTILE

pytestmark = pytest.mark.usefixtures("still")


class Noted(Acts):
    """The last hand before the daemons: notes what would be done."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []

    def __getattribute__(self, name: str) -> Any:
        if name in {"done", "__class__"}:
            return super().__getattribute__(name)

        def note(*words: object, **more: object) -> str:
            self.done.append((name, *words, *sorted(more.items())))
            return f"{name} is done"

        return note


async def test_a_message_a_directive_and_what_is_pasted_keeps_its_lines() -> None:
    acts = Noted()
    app = dashboard(acts=acts)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "down", "down", "m")
        await press(pilot, *"hi", "ctrl+j", *"you", "enter")
        await press(pilot, "o")
        app.screen.query_one(TextArea).insert("stop\nat once")
        await press(pilot, "enter")
        await press(pilot, "m", "x", "escape", "m", "enter", "escape")
    assert acts.done == [("send", "billing", "hi\nyou"), ("direct", "billing", "stop\nat once")]


async def test_what_interrupts_work_is_asked_for_first() -> None:
    acts = Noted()
    app = dashboard(acts=acts)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "down", "down", "i", "escape", "i", "enter", "R", "escape", "s", "n", "escape")
        assert acts.done == []
        await press(pilot, "i", "y", "R", "d", "R", "c", "s", "y")
    assert acts.done == [
        ("order", "billing", "interrupt"),
        ("restart", "billing", ("session", False)),
        ("restart", "billing", ("session", True)),
        ("stop", "billing"),
    ]


async def test_pause_goes_on_and_a_stopped_one_is_started_unasked() -> None:
    acts = Noted()
    app = dashboard(acts=acts)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "p", "down", "s", "down", "down", "p")
    assert acts.done == [("order", "main", "pause"), ("start", "archive"), ("order", "docs", "resume")]


async def test_approvals_are_allowed_answered_and_denied() -> None:
    acts = Noted()
    app = dashboard(acts=acts)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "a", "y", "Y", "r", "down", "y")
        await press(pilot, "2", "enter", "down", "N", *"no", "enter", "N", "enter")
    assert acts.done == [
        ("approve", "ipo-analysis", "a-00000", ("session", False)),
        ("approve", "ipo-analysis", "a-00000", ("session", True)),
        ("approve", "ipo-analysis", "a-00001", ("answers", ("2",))),
        ("deny", "billing", "a-00002", "no"),
        ("deny", "billing", "a-00002", ""),
    ]


async def test_a_key_is_never_meant_for_another_question(still: Path) -> None:
    acts = Noted()
    app = dashboard(acts=acts)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "a")
        assert isinstance(app.screen, Approvals)
        db = connect(office.paths_of(still, "ipo-analysis").journal)
        db.execute("UPDATE approvals SET state = 'denied' WHERE code = 'k3f9'")
        db.close()
        await until(pilot, lambda: "That one is gone" in words(app), "it is seen that it was decided elsewhere")
        await press(pilot, "y", "N", "escape")
        assert acts.done == []
        await press(pilot, "a", "down", "down", "y")
    assert acts.done == [("approve", "billing", "a-00002", ("session", False))]


async def test_dead_letters() -> None:
    acts = Noted()
    app = dashboard(acts=acts)
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "x", "r", "down", "D")
    assert acts.done == [
        ("desk", "scraper", "retry", "m-000000000000007"),
        ("desk", "scraper", "drop", "m-000000000000008"),
    ]


async def test_what_failed_is_told_with_what_mends_it() -> None:
    class Refusing(Acts):
        def order(self, name: str, op: str) -> str:  # noqa: ARG002 - as Acts
            raise Refused(f"[/red]{name} is not running", fix="[@click=app.quit]ccmux start billing[/]")

    app = dashboard(acts=Refusing())
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await press(pilot, "down", "down", "p")
        await until(pilot, lambda: "[/red]billing is not running" in words(app), "the failure is shown, verbatim")
        assert "to mend it: [@click=app.quit]ccmux start billing[/]" in words(app)


async def test_the_next_one_that_needs_a_person() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "n")
        assert app.chosen == "ipo-analysis"
        await press(pilot, "n")
        assert app.chosen == "scraper"
        await press(pilot, "n")
        assert app.chosen == "ipo-analysis"


async def test_the_mouse_chooses_and_opens() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await calm(pilot)
        table = app.screen.query_one("#fleet", Table)
        where = (5, table.line_region("docs").y + 1)
        await pilot.click("#fleet", offset=where)
        assert app.chosen == "docs"
        await pilot.click("#fleet", offset=where, times=2)
        await calm(pilot)
        assert not isinstance(app.screen, Overview)
        assert "docs" in words(app).splitlines()[0]


async def test_the_cursor_stays_on_its_instance_whatever_comes_and_goes() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "down", "down", "down")
        assert app.chosen == "docs"
        app.board.put(office.instance("aaa"))
        app.board.forget("archive")
        app.changed()
        await calm(pilot)
        assert app.chosen == "docs"
        app.board.forget("docs")
        app.changed()
        await calm(pilot)
        assert app.chosen in app.board.instances


async def test_light_and_dark_and_every_other_theme() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await calm(pilot)
        assert app.current_theme.dark
        await press(pilot, "d")
        assert not app.current_theme.dark
        for theme in app.available_themes:
            app.theme = theme
            await calm(pilot)
            assert "billing" in words(app)


async def test_all_commands_are_in_the_palette() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 50)) as pilot:
        await press(pilot, "down", "down", "ctrl+p")
        await until(pilot, lambda: "Interrupt" in words(app), "the palette is filled")
        await press(pilot, *"inter")
        await until(pilot, lambda: "key R" not in words(app), "it is searched")
        await press(pilot, "enter")
        await until(pilot, lambda: "Interrupt billing?" in words(app), "the command is run on the chosen instance")


@pytest.mark.parametrize("size", [(40, 12), (60, 15), (80, 24), (250, 70)])
async def test_every_screen_fits_every_terminal(size: tuple[int, int]) -> None:
    app = dashboard()
    async with app.run_test(size=size) as pilot:
        await press(pilot, "down", "down", "a", "escape", "x", "escape", "l", "escape", "question_mark", "escape")
        await press(pilot, "enter", "1", "2", "3", "escape", "m", "escape", "R", "escape")
        assert "billing" in words(app)


async def test_hostile_reports_are_shown_and_do_nothing() -> None:
    app = dashboard()
    async with app.run_test(size=(160, 40)) as pilot:
        await press(pilot, "down", "down")
        for value in HOSTILE:
            told = dict.fromkeys(office.report("billing"), value) | {"project": "billing", "alerts": [value]}
            found = report_of(told)
            assert found is not None
            app.board.reports["billing"] = found
            app.board.put(office.instance("billing") | {"reason": value, "blocked": value, "cwd": value})
            app.changed()
            await calm(pilot)
            if value == "[/foo]":
                assert words(app).count("[/foo]") > 4
        for style in [segment.style for strip in app.screen._compositor.render_strips() for segment in strip]:
            assert not (style and "@click" in (style.meta or {}) and "quit" in str(style.meta["@click"]))


async def test_hostile_messages_and_questions(still: Path) -> None:
    db = connect(office.paths_of(still, "billing").journal)
    text = "[/foo] [@click=app.quit]x[/] \x1b[2J \u202e" + "y" * 200_000
    db.execute("UPDATE inbox SET text = ?, sender = ?, reason = ?, state = 'dead'", (text, text, text))
    db.execute(
        "UPDATE approvals SET input = ?, cwd = ?, sender = ?", (f'{{"plan": "[/foo]{"z" * 30_000}"}}', text, text)
    )
    db.close()
    app = dashboard()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "down", "down", "enter", "2", "down")
        assert "[/foo] [@click=app.quit]x[/] \ufffd[2J" in words(app)
        await press(pilot, "escape", "x", "down", "escape", "a", "up", "up", "up")
        assert "billing" in words(app)


async def test_no_homes_at_all_is_explained() -> None:
    app = dashboard(office.Nothing)
    async with app.run_test(size=(80, 24)) as pilot:
        await calm(pilot)
        assert "ccmux new main" in words(app)
        await press(pilot, "m", "R", "i", "enter", "t")
        assert isinstance(app.screen, Overview)
        app.board.trouble = "[/x] is not a directory"
        app.changed()
        await calm(pilot)
        assert "[/x] is not a directory" in words(app)


async def test_an_instance_that_goes_while_it_is_looked_at(still: Path) -> None:
    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await press(pilot, "down", "down", "enter", "2")
        shutil.rmtree(office.paths_of(still, "billing").home)
        app.board.forget("billing")
        app.changed()
        await until(pilot, lambda: "is not there any more" in words(app), "it is said")
        await press(pilot, "m", "t", "p", "escape")


async def test_a_flood_of_changes_is_drawn_four_times_a_second() -> None:
    import asyncio
    import time

    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await calm(pilot)
        before, began = app.drawings, time.monotonic()
        while time.monotonic() - began < 1.0:
            app.changed()
            await asyncio.sleep(0.005)
        assert app.drawings - before <= (time.monotonic() - began) * 4 + 1


async def test_what_did_not_change_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    update = Static.update

    def noted(self: Static, *words: Any, **more: Any) -> None:
        drawn.append(self.id)
        update(self, *words, **more)

    app = dashboard()
    async with app.run_test(size=(120, 36)) as pilot:
        await calm(pilot)
        monkeypatch.setattr(Static, "update", noted)
        app.changed()
        await calm(pilot)
        assert drawn == []
