"""The pane that Claude lives in: look at it, type into it, press Enter, each guarded inside the tmux server.

A guard is one tmux command: if the pane is of our generation, alive (a paste into a dead pane crashes tmux 3.3a), in the
mode in which it was seen, and no attached person has pressed a key since, then act. Nothing can change between the check
and the act. Text, line breaks and Enter are sent by `paste-buffer`: `send-keys` goes to a copy mode, not to the program.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Final

from ccmux.core.sources import Pane
from ccmux.model.ids import Generation
from ccmux.tmux.control import Control, command, quote

GENERATION_OPTION: Final = "@ccmux_gen"
SHOWN_WITHIN: Final = 5.0
"""Seconds in which a paste must be drawn; a big one on a busy machine takes a second or two."""
SHOWN_EACH: Final = 0.05
"""Seconds more for every stroke: Claude draws its box anew for each."""
_DRAWN_WITHIN: Final = 0.05
"""Seconds that Claude takes to draw after a key."""
_FIELDS: Final = (
    "#{pane_id} #{pane_pid} #{pane_dead} #{pane_in_mode} #{@ccmux_gen} #{pane_dead_status}.#{pane_dead_signal}"
    " #{session_activity} .#{pane_mode} #{pane_height} #{version} #{pane_title}"
)
_CLIENTS: Final = "#{client_control_mode} #{client_activity}"
_ENTER: Final = "\r"
_ERASE: Final = ("C-c",)
_STASH: Final = ("C-s",)
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"


def _guard(pane: Pane, more: str = "1") -> str:
    conditions = [
        f"#{{==:#{{{GENERATION_OPTION}}},{pane.generation}}}",
        "#{==:#{pane_dead},0}",
        f"#{{==:#{{pane_in_mode}},{int(pane.in_mode)}}}",
        f"#{{==:#{{session_activity}},{pane.activity}}}",
        more,
    ]
    guard = conditions.pop()
    while conditions:
        guard = f"#{{&&:{conditions.pop()},{guard}}}"
    return guard


async def look(control: Control, session: str) -> Pane | None:
    """The pane as it is, and who is attached; None when the session has none."""
    lines = await control.run(
        command("display-message", "-p", "-t", f"={session}:", _FIELDS),
        command("list-clients", "-t", f"={session}", "-F", _CLIENTS),
    )
    words = lines[0].split(" ", 10) if lines else [""]
    if not words[0]:
        return None
    keys = [float(line.split(" ")[1]) for line in lines[1:] if line.startswith("0 ")]
    return Pane(
        id=words[0],
        pid=int(words[1] or 0),
        dead=words[2] == "1",
        in_mode=words[3] not in ("0", ""),
        generation=Generation(words[4]),
        exit_status=words[5].strip("."),
        activity=int(words[6] or 0),
        mode=words[7].removeprefix("."),
        last_key=max(keys, default=None),
        people=len(keys),
        height=int(words[8] or 0),
        tmux=words[9],
        title=words[10] if len(words) > 10 else "",  # noqa: PLR2004 - the last of the fields
    )


async def activity(control: Control, session: str) -> int:
    """Wall clock (whole seconds) of the latest key of any client in the session."""
    lines = await control.run(command("display-message", "-p", "-t", f"={session}:", "#{session_activity}"))
    return int(lines[0] or 0) if lines else 0


async def paste(control: Control, pane: Pane, strokes: Sequence[str], marker: str) -> str:
    """Type the strokes, then wait until the marker is drawn: `shown`, `refused` (nothing was typed) or `unseen`.

    The buffers are named, so that no other instance or person can meet them, and deleted with the paste.
    """
    if not await type_text(control, pane, strokes, marker):
        return "refused"
    give_up, pause = time.monotonic() + SHOWN_WITHIN + SHOWN_EACH * len(strokes), 0.002
    while time.monotonic() < give_up:
        if await _shows(control, pane, marker):
            return "shown"
        await asyncio.sleep(pause)
        pause = min(0.05, pause * 1.5)
    return "unseen"


async def type_text(control: Control, pane: Pane, strokes: Sequence[str], name: str) -> bool:
    """Type the strokes, without waiting for anything; False when tmux refused the first, and so all of them."""
    lines, buffers = _typing(pane, strokes, f"ccmux-{name}")
    typed = "typed" in await control.run(*lines)
    if not typed:
        await control.run(*(f"if-shell -F 1 {quote(command('delete-buffer', '-b', name))}" for name in buffers))
    return typed


def _typing(pane: Pane, strokes: Sequence[str], name: str) -> tuple[list[str], list[str]]:
    """The command lines that type the strokes, each guarded, and the buffers that a refusal leaves behind."""
    guard = _guard(pane)
    lines: list[str] = []
    buffers: list[str] = []
    for number, stroke in enumerate(strokes):
        buffer = f"{name}-{number}"
        buffers.append(buffer)
        text = f"{_PASTE}{stroke}{_PASTED}" if pane.in_mode else stroke
        lines.append(command("set-buffer", "-b", buffer, "--", text))
        act = command("paste-buffer", "-d", *_bracketed(pane), "-r", "-b", buffer, "-t", pane.id)
        said = " ; display-message -p typed" if number == 0 else ""
        lines.append(f"if-shell -F -t {pane.id} {quote(guard)} {quote(act + said)}")
    return lines, buffers


def _bracketed(pane: Pane) -> list[str]:
    """How the text comes to be a bracketed paste. Beneath a mode tmux asks the mode, not the program, so we add the
    brackets; from 3.7 on it must then be told to leave them in.
    """
    if not pane.in_mode:
        return ["-p"]
    numbers = [int(part) for part in re.findall(r"\d+", pane.tmux)[:2]]
    return ["-S"] if numbers >= [3, 7] else []


async def _shows(control: Control, pane: Pane, marker: str) -> bool:
    """Whether the marker stands on the screen of the same living pane, whatever a person does meanwhile."""
    ours = f"#{{&&:#{{==:#{{{GENERATION_OPTION}}},{pane.generation}}},#{{C:{marker}}}}}"
    found = await control.run(command("display-message", "-p", "-t", pane.id, ours))
    return bool(found) and found[0] not in ("0", "")


async def enter(control: Control, pane: Pane, marker: str) -> bool:
    """Press Enter if the marker stands on the screen of the same, living, calm pane; False when tmux refused."""
    buffer = f"ccmux-{marker}-enter"
    act = command("paste-buffer", "-d", "-r", "-b", buffer, "-t", pane.id) + " ; display-message -p pressed"
    refused = command("delete-buffer", "-b", buffer)
    guard = _guard(pane, f"#{{C:{marker}}}")
    said = await control.run(
        command("set-buffer", "-b", buffer, "--", _ENTER),
        f"if-shell -F -t {pane.id} {quote(guard)} {quote(act)} {quote(refused)}",
    )
    return "pressed" in said


async def erase(control: Control, pane: Pane, marker: str) -> bool:
    """Press Ctrl+C if the marker is shown: Claude empties a box that holds text. False when tmux refused.

    Never twice in a row: on an empty box the second one ends Claude.
    """
    return await _press(control, pane, _ERASE, f"#{{C:{marker}}}" if marker else "1")


async def escape(control: Control, pane: Pane, marker: str = "") -> bool:
    """Press Esc: Claude stops what it does, or leaves the menu that shows the marker. False when tmux refused."""
    return await _press(control, pane, ("Escape",), f"#{{C:{marker}}}" if marker else "1")


async def terminals(control: Control, session: str) -> list[str]:
    """The terminal devices of the clients that are no control connection."""
    lines = await control.run(
        command("list-clients", "-t", f"={session}", "-F", "#{client_control_mode} #{client_tty}")
    )
    return [line.partition(" ")[2] for line in lines if line.startswith("0 ")]


async def stash(control: Control, pane: Pane) -> bool:
    """Press Ctrl+S: Claude sets a draft aside, or puts it back where the box is empty. False when tmux refused."""
    return await _press(control, pane, _STASH)


async def _press(control: Control, pane: Pane, keys: Sequence[str], more: str = "1") -> bool:
    """Press keys under the guard, leaving a copy mode first; whether that was done. Newer tmux takes control characters
    out of what is pasted, so these are keys.
    """
    leave = command("send-keys", "-t", pane.id, "-X", "cancel") + " ; " if pane.in_mode else ""
    act = leave + command("send-keys", "-t", pane.id, *keys) + " ; display-message -p pressed"
    pressed = "pressed" in await control.run(f"if-shell -F -t {pane.id} {quote(_guard(pane, more))} {quote(act)}")
    await asyncio.sleep(_DRAWN_WITHIN)
    return pressed
