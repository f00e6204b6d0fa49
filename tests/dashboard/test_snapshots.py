"""How every screen looks: `pytest --snapshot-update` after a change that is meant, and look at what it wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.dashboard import office
from tests.dashboard.look import calm, dashboard, press, until, words

SCREENS: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "overview": ((160, 40), ("down", "down")),
    "overview-light": ((160, 40), ("d", "down")),
    "overview-100": ((100, 30), ("n",)),
    "overview-60": ((60, 24), ()),
    "overview-40": ((40, 18), ()),
    "approvals": ((120, 34), ("a",)),
    "question": ((120, 34), ("a", "down")),
    "answer": ((120, 34), ("a", "down", "r")),
    "dead": ((120, 34), ("x", "down")),
    "reports": ((120, 34), ("l", "down", "down")),
    "terminal-none": ((120, 34), ("down", "enter")),
    "messages": ((120, 40), ("down", "down", "enter", "2", "down", "down")),
    "turns": ((120, 34), ("down", "down", "enter", "3")),
    "help": ((100, 40), ("question_mark",)),
    "compose": ((120, 34), ("down", "down", "m")),
    "restart": ((120, 34), ("down", "down", "R")),
    "message-40": ((40, 18), ("m",)),
}


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.usefixtures("still")
def test_screen(name: str, snap_compare: Callable[..., bool]) -> None:
    size, keys = SCREENS[name]
    app = dashboard()

    async def before(pilot: Pilot[Any]) -> None:
        await calm(pilot)
        await press(pilot, *keys)
        await until(pilot, lambda: "looking" not in words(app), "what is shown has been looked at")

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.usefixtures("still")
def test_without_instances(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(dashboard(office.Nothing), terminal_size=(100, 24), run_before=calm)
