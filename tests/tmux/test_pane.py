"""Typing into a pane: exact, guarded inside tmux, and into nothing but the pane that was meant."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from ccmux.core.envelope import NEWLINE, compose, end_marker, keystrokes
from ccmux.core.sources import Pane
from ccmux.model.ids import ChannelName, Generation, MessageId, Nonce
from ccmux.model.message import Message
from ccmux.tmux import pane as panes
from ccmux.tmux.control import Control

from .desk import GEN, Desk, until

NONCE = Nonce("abcdefgh")
MARKER = end_marker(NONCE)


def bytes_of(strokes: list[str]) -> bytes:
    """What a program with bracketed paste reads."""
    return b"".join(b"\x1b[200~" + s.encode() + b"\x1b[201~" for s in strokes)


def envelope(text: str) -> list[str]:
    return keystrokes(compose(Message(MessageId("m-1"), ChannelName("local"), "me", text, 0.0), NONCE))


async def dead(desk: Desk) -> tuple[Control, Pane]:
    return await ended(desk, "exit 3")


async def ended(desk: Desk, end: str) -> tuple[Control, Pane]:
    """A pane whose program lived, and ended. Its exit status is not always known to tmux 3.3a."""
    go = desk.dir / "go"
    os.mkfifo(go)
    control, _ = await desk.open("/bin/sh", "-c", f"read line <{go}; {end}")
    await asyncio.to_thread(go.write_text, "now\n")
    await until(lambda: is_dead(desk, control), "the pane is dead")
    return control, await desk.look(control)


async def is_dead(desk: Desk, control: Control) -> bool:
    return (await desk.look(control)).dead


async def copy_mode(desk: Desk, control: Control, pane: Pane) -> None:
    await control.run(f"copy-mode -t {pane.id}")
    assert (await desk.look(control)).in_mode


IF = pytest.param("%if")
TEXTS = {
    "one": "hello",
    "lines": "first\nsecond line; #(touch x) #{pane_id} $HOME `id`\n\n\n'\"\\ \\; ;\nlast;",
    "unicode": "日本語 👩‍👩‍👧 é\n❯ naïve\n" + "ü" * 2000,
    "words": "Enter\nC-c\nSpace\nEscape\n0a\n;\n%end 1 2 1",
    "long": "\n".join(f"{n} " + "x" * 200 for n in range(150)),
    "wide": "y" * 30_000,
}


@pytest.mark.parametrize("name", TEXTS)
async def test_a_message_arrives_exactly(desk: Desk, name: str) -> None:
    control, pane = await desk.editor()
    strokes = envelope(TEXTS[name])
    assert await desk.paste(control, pane, strokes, MARKER) == "shown"
    assert desk.typed() == bytes_of(strokes)
    assert await desk.buffers() == []
    assert await panes.enter(control, pane, MARKER)
    await until(lambda: desk.typed().endswith(b"\r"), "Enter arrives")
    assert desk.typed() == bytes_of(strokes) + b"\r"


@pytest.mark.parametrize("line", ["- a list", "---", "-R", "-a", "-w", "--", "--help me", "-b x y"])
async def test_a_line_that_begins_with_a_dash_arrives(desk: Desk, line: str) -> None:
    control, pane = await desk.editor()
    strokes = envelope(f"before\n{line}\nafter")
    assert await desk.paste(control, pane, strokes, MARKER) == "shown"
    assert desk.typed() == bytes_of(strokes)


@pytest.mark.parametrize("stroke", ["~", "~root", "{", "}", "{ x }", "%1", "-", IF, "A=b", "#", "a;", ";", "\\", '"'])
async def test_a_line_that_means_something_to_tmux_arrives(desk: Desk, stroke: str) -> None:
    control, pane = await desk.editor()
    strokes = [stroke, NEWLINE, f"[{MARKER}]"]
    assert await desk.paste(control, pane, strokes, MARKER) == "shown"
    assert desk.typed() == bytes_of(strokes)


async def test_enter_needs_the_marker_on_the_screen(desk: Desk) -> None:
    control, pane = await desk.editor()
    assert not await panes.enter(control, pane, MARKER)
    assert await desk.paste(control, pane, ["hello end-zzzzzzzz"], "end-zzzzzzzz") == "shown"
    assert not await panes.enter(control, pane, MARKER)
    assert await panes.enter(control, pane, "end-zzzzzzzz")
    await until(lambda: desk.typed().endswith(b"\r"), "Enter arrives")
    assert desk.typed().count(b"\r") == 1


async def test_what_is_not_drawn_is_unseen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panes, "SHOWN_WITHIN", 0.2)
    control, pane = await desk.editor()
    assert await panes.paste(control, pane, ["hello"], MARKER) == "unseen"
    await until(lambda: desk.typed() == bytes_of(["hello"]), "it was typed nevertheless")


async def refusing(desk: Desk, control: Control, pane: Pane) -> None:
    """Nothing can be typed here, and tmux survives the attempt."""
    before = desk.logged()
    assert await panes.paste(control, pane, envelope("a\nb"), MARKER) == "refused"
    assert not await panes.enter(control, pane, MARKER)
    assert not await panes.erase(control, pane, NONCE)
    assert await control.run("display-message -p alive") == ["alive"]
    assert desk.logged() == before


async def test_another_generation_is_refused(desk: Desk) -> None:
    control, pane = await desk.editor()
    await refusing(desk, control, replace(pane, generation=Generation("gother")))
    await refusing(desk, control, replace(pane, generation=Generation("")))
    await refusing(desk, control, replace(pane, generation=Generation(GEN + "x")))


async def test_a_dead_pane_is_refused_and_tmux_lives(desk: Desk) -> None:
    control, pane = await dead(desk)
    assert pane.dead
    assert pane.exit_status in ("3", "")
    await refusing(desk, control, pane)
    await refusing(desk, control, replace(pane, dead=False))


async def test_a_pane_that_dies_by_a_signal_tells_it(desk: Desk) -> None:
    _, pane = await ended(desk, "kill -9 $$")
    assert pane.exit_status in ("9", "")


async def test_copy_mode_is_refused_and_stays(desk: Desk) -> None:
    control, pane = await desk.editor()
    await copy_mode(desk, control, pane)
    await refusing(desk, control, pane)
    assert (await desk.look(control)).in_mode


async def test_enter_is_refused_in_copy_mode_though_the_marker_is_seen(desk: Desk) -> None:
    control, pane = await desk.editor()
    assert await desk.paste(control, pane, envelope("x"), MARKER) == "shown"
    before = desk.typed()
    await copy_mode(desk, control, pane)
    assert not await panes.enter(control, pane, MARKER)
    await control.run(f"send-keys -t {pane.id} -X cancel")
    assert desk.typed() == before
    assert await panes.enter(control, pane, MARKER)


async def test_a_respawned_pane_is_another_generation(desk: Desk) -> None:
    control, pane = await desk.editor()
    await desk.server.run(
        "respawn-pane", "-k", "-t", pane.id, "/bin/sh", "-c", f"cat >>{desk.log}",
        ";", "set-option", "-p", "-t", pane.id, panes.GENERATION_OPTION, "gnew",
    )  # fmt: skip
    now = await desk.look(control)
    assert (now.id, now.generation) == (pane.id, "gnew")
    assert now.pid != pane.pid
    await refusing(desk, control, pane)


async def test_a_pane_that_is_gone_is_an_error_not_a_paste(desk: Desk) -> None:
    control, pane = await desk.editor()
    await control.run("new-window -d 'exec cat'", f"kill-pane -t {pane.id}")
    before = desk.logged()
    assert await panes.paste(control, pane, ["x"], MARKER) == "refused"
    assert desk.logged() == before


@pytest.mark.parametrize("how", ["generation", "copy-mode", "dead"])
async def test_a_refused_paste_leaves_no_buffer(desk: Desk, how: str) -> None:
    if how == "dead":
        control, pane = await dead(desk)
    else:
        control, pane = await desk.editor()
    if how == "copy-mode":
        await copy_mode(desk, control, pane)
    if how == "generation":
        pane = replace(pane, generation=Generation("gother"))
    assert await panes.paste(control, pane, envelope("a\nsecret\nb"), MARKER) == "refused"
    assert await desk.buffers() == []


async def test_erase_empties_the_box_by_one_key(desk: Desk) -> None:
    control, pane = await desk.editor()
    assert await desk.paste(control, pane, ["head " + NONCE, "\n", "second", "\n", MARKER], MARKER) == "shown"
    assert await panes.erase(control, pane, NONCE)
    await until(lambda: not desk.shown(pane).strip(), "the box is empty")
    assert desk.typed().count(b"\x03") == 1
    assert not await panes.erase(control, pane, NONCE)


async def test_a_stash_is_one_key_and_leaves_a_copy_mode_first(desk: Desk) -> None:
    control, pane = await desk.editor()
    assert await panes.stash(control, pane)
    await copy_mode(desk, control, pane)
    assert not await panes.stash(control, pane)
    assert await panes.stash(control, await desk.look(control))
    await until(lambda: desk.typed() == b"\x13\x13", "both keys arrive")
    assert not (await desk.look(control)).in_mode


async def test_beneath_a_copy_mode_that_was_seen_text_and_enter_arrive_and_the_view_stays(desk: Desk) -> None:
    control, pane = await desk.editor()
    await copy_mode(desk, control, pane)
    pane = await desk.look(control)
    strokes = envelope("two\nlines")
    assert await desk.paste(control, pane, strokes, MARKER) == "shown"
    assert await panes.enter(control, pane, MARKER)
    await until(lambda: desk.typed().endswith(b"\r"), "Enter arrives")
    assert desk.typed() == bytes_of(strokes) + b"\r"
    assert (await desk.look(control)).mode == "copy-mode"


async def test_a_key_of_a_person_since_the_look_refuses_everything(desk: Desk) -> None:
    control, pane = await desk.editor()
    await refusing(desk, control, replace(pane, activity=pane.activity - 1))
    assert not await panes.stash(control, replace(pane, activity=pane.activity - 1))


async def test_erase_touches_no_text_without_the_marker(desk: Desk) -> None:
    control, pane = await desk.editor()
    assert await desk.paste(control, pane, ["a draft end-zzzzzzzz"], "end-zzzzzzzz") == "shown"
    before = desk.typed()
    assert not await panes.erase(control, pane, NONCE)
    assert desk.typed() == before


async def test_keys_of_people_are_seen_only_from_people(desk: Desk) -> None:
    control, pane = await desk.editor()
    assert (await desk.look(control)).last_key is None
    assert await desk.paste(control, pane, envelope("x"), MARKER) == "shown"
    assert (await desk.look(control)).last_key is None
