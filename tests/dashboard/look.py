"""A person at the dashboard: keys, waiting for what they bring, and the words on the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from ccmux.dashboard.app import Dashboard
from tests.dashboard import office
from tests.rig import PATIENCE


def dashboard(source: Any = office.Still, **more: Any) -> Dashboard:
    return Dashboard(source, clock=lambda: office.NOW, **more)


def words(app: Dashboard) -> str:
    """The text on the screen, line by line."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip()[:width] for strip in strips[:height])


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"never came true: {what}\n{words(pilot.app)}"  # type: ignore[arg-type]
        await asyncio.sleep(0.02)


async def calm(pilot: Pilot[Any]) -> None:
    """Nothing is read or done any more, and all of it is drawn."""
    app = pilot.app
    assert isinstance(app, Dashboard)
    await until(pilot, lambda: app.board.complete, "the board is filled")
    while True:
        await pilot.pause()
        busy = [one for one in app.workers if one.group in {"read", "trace", "acts", "pane"} and not one.is_finished]
        if not busy and app._due is None:
            break
        await asyncio.sleep(0.02)
    await pilot.pause()


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await calm(pilot)
