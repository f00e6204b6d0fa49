"""The pane that Claude lives in: look at it, type into it, press Enter, each guarded inside the tmux server.

A guard is one tmux command: if the pane is of our generation, alive (a paste into a dead pane crashes tmux 3.3a) and
not in copy mode, then act. Nothing can change between the check and the act.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from ccmux.core.envelope import NEWLINE
from ccmux.core.sources import Pane
from ccmux.model.ids import Generation
from ccmux.tmux.control import Control, command, quote

GENERATION_OPTION: Final = "@ccmux_gen"
SHOWN_WITHIN: Final = 5.0
"""Seconds in which a paste must be drawn; a big one on a busy machine takes a second or two."""
_DRAWN_WITHIN: Final = 0.05
"""Seconds that Claude takes to draw after a key."""
_FIELDS: Final = (
    "#{pane_id} #{pane_pid} #{pane_dead} #{pane_in_mode} #{@ccmux_gen} #{pane_dead_status}.#{pane_dead_signal}"
)
_CLIENTS: Final = "#{client_control_mode} #{client_activity}"


def _guard(generation: Generation, more: str = "1") -> str:
    ours = f"#{{==:#{{{GENERATION_OPTION}}},{generation}}}"
    calm = "#{&&:#{==:#{pane_dead},0},#{==:#{pane_in_mode},0}}"
    return f"#{{&&:#{{&&:{ours},{calm}}},{more}}}"


async def look(control: Control, session: str) -> Pane | None:
    """The pane as it is; None when the session has none."""
    lines = await control.run(command("display-message", "-p", "-t", f"={session}:", _FIELDS))
    words = lines[0].split(" ") if lines else [""]
    if not words[0]:
        return None
    return Pane(
        id=words[0],
        pid=int(words[1] or 0),
        dead=words[2] == "1",
        in_mode=words[3] not in ("0", ""),
        generation=Generation(words[4]),
        exit_status=words[5].strip("."),
    )


async def last_key(control: Control, session: str) -> float | None:
    """Wall clock (whole seconds) of the latest input from an attached person; None when nobody is attached."""
    lines = await control.run(command("list-clients", "-t", f"={session}", "-F", _CLIENTS))
    people = [float(line.split(" ")[1]) for line in lines if line.startswith("0 ")]
    return max(people, default=None)


async def paste(control: Control, pane: Pane, strokes: Sequence[str], marker: str) -> str:
    """Type the strokes, then wait until the marker is drawn: `shown`, `refused` (nothing was typed) or `unseen`.

    The buffers are named, so that no other instance or person can meet them, and deleted with the paste.
    """
    guard = _guard(pane.generation)
    lines: list[str] = []
    buffers: list[str] = []
    for number, stroke in enumerate(strokes):
        if stroke == NEWLINE:
            act = command("send-keys", "-t", pane.id, "-H", "0a")
        else:
            buffer = f"ccmux-{marker}-{number}"
            buffers.append(buffer)
            lines.append(command("set-buffer", "-b", buffer, "--", stroke))
            act = command("paste-buffer", "-d", "-p", "-r", "-b", buffer, "-t", pane.id)
        said = " ; display-message -p typed" if number == 0 else ""
        lines.append(f"if-shell -F -t {pane.id} {quote(guard)} {quote(act + said)}")
    if "typed" not in await control.run(*lines):
        await control.run(*(f"if-shell -F 1 {quote(command('delete-buffer', '-b', name))}" for name in buffers))
        return "refused"
    shown = command("display-message", "-p", "-t", pane.id, _guard(pane.generation, f"#{{C:{marker}}}"))
    give_up, pause = time.monotonic() + SHOWN_WITHIN, 0.002
    while time.monotonic() < give_up:
        found = await control.run(shown)
        if found and found[0] not in ("0", ""):
            return "shown"
        await asyncio.sleep(pause)
        pause = min(0.05, pause * 1.5)
    return "unseen"


async def enter(control: Control, pane: Pane, marker: str) -> bool:
    """Press Enter if the marker stands on the screen of the same, living, calm pane; False when tmux refused."""
    guard = _guard(pane.generation, f"#{{C:{marker}}}")
    press = command("send-keys", "-t", pane.id, "Enter") + " ; display-message -p pressed"
    return "pressed" in await control.run(f"if-shell -F -t {pane.id} {quote(guard)} {quote(press)}")


async def erase(control: Control, pane: Pane, marker: str) -> bool:
    """Delete one line of the box from its end, if the marker is shown; False when tmux refused."""
    guard = _guard(pane.generation, f"#{{C:{marker}}}")
    press = command("send-keys", "-t", pane.id, "C-e", "C-u", "BSpace") + " ; display-message -p pressed"
    pressed = "pressed" in await control.run(f"if-shell -F -t {pane.id} {quote(guard)} {quote(press)}")
    await asyncio.sleep(_DRAWN_WITHIN)
    return pressed
