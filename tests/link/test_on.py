"""Who may be answered elsewhere, and whose channel it then is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccmux.core.link import Ack, Bye, Frame, Hello, Nack, Part
from ccmux.daemon.hub import Hub
from ccmux.daemon.links import Links
from ccmux.journal.database import Database
from ccmux.model.ids import PROJECT_REPORT, ChannelName
from ccmux.model.message import Message

SLACK = ChannelName("slack")


async def never(*_: object, **__: object) -> Message:
    raise AssertionError


@pytest.mark.parametrize("came_on", ["mail", PROJECT_REPORT])
@pytest.mark.parametrize(
    "frame",
    [
        Ack(1, "m-1", on="slack"),
        Nack(1, "m-1", on="slack"),
        Bye(1, True, on="slack"),
        Hello(1, "me", on="slack"),
        Part(1, "x", 1, 1, "hello", on="slack"),
    ],
)
async def test_nobody_speaks_for_another_channel(tmp_path: Path, came_on: str, frame: Frame) -> None:
    db, hub = Database(tmp_path / "journal.db"), Hub()
    hub.linked.add(SLACK)
    await Links(db, hub, never, lambda _: 0, 1000).heard(ChannelName(came_on), frame)
    await db.close()
    assert hub.linked == {SLACK}
    assert not hub.acknowledged(SLACK)
    assert not hub.frames(SLACK)
    assert not hub.greeted(SLACK)


async def test_a_project_is_answered_on_its_own_channel(tmp_path: Path) -> None:
    db, hub = Database(tmp_path / "journal.db"), Hub()
    await Links(db, hub, never, lambda _: 0, 1000).heard(PROJECT_REPORT, Ack(1, "m-1", on="project-a"))
    await db.close()
    assert hub.linked == {"project-a"}
    assert hub.acknowledged(ChannelName("project-a")) == ["m-1"]
