"""Messages and turns of one instance as rows, and the way of a message as a text."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from ccmux.dashboard.widgets.columns import Cell, Line
from ccmux.dashboard.widgets.detail import Paint
from ccmux.dashboard.words import block, clock, plain
from ccmux.journal.history import Exchange, Trace
from ccmux.journal.turns import Turn
from ccmux.model.message import MessageState

_DAY: Final = "%Y-%m-%d %H:%M:%S"
_TONES: Final = {
    MessageState.DONE: ("✓", "good"),
    MessageState.DEAD: ("✕", "bad"),
    MessageState.REJECTED: ("–", "dim"),
    MessageState.RECEIVED: ("·", ""),
    MessageState.INTERRUPTED: ("◌", "warn"),
}
_FLYING: Final = ("●", "busy")


def message_line(one: Exchange) -> Line:
    """When, how far, from whom, what."""
    message = one.message
    mark, tone = _TONES.get(message.state, _FLYING)
    cells = (
        Cell(mark, tone),
        Cell(clock(message.received_at), "dim"),
        Cell(message.state, tone),
        Cell(plain(f"{message.sender} on {message.channel}"), "dim"),
        Cell(plain(message.text.strip())),
    )
    return Line(message.id, cells)


def turn_line(one: Turn) -> Line:
    """When and why."""
    tone = {"message": "", "terminal": "accent"}.get(one.cause, "warn")
    return Line(
        one.prompt_id,
        (
            Cell(clock(one.at, _DAY), "dim"),
            Cell(one.cause, tone),
            Cell(one.message_id),
            Cell(plain(one.prompt_id), "dim"),
        ),
    )


def message_text(one: Exchange, way: Trace | None, paint: Paint) -> Text:
    """The message, its answers, and the proof of every step."""
    message = one.message
    text = Text(f"{message.id}  {message.state}", style="bold")
    if message.reason:
        text.append(f"  {plain(message.reason)}", style=f"not bold {paint('bad')}")
    text.append(f"\n\n{block(message.text.strip())}\n", style="not bold")
    for file in message.attachments:
        text.append(f"\n[{file.kind} {plain(file.name)}, {file.size} bytes]", style=f"not bold {paint('dim')}")
    for reply in one.replies:
        tone = "bad" if reply.error else "good"
        text.append(f"\n{block(reply.text or reply.error).strip()}\n", style=f"not bold {paint(tone)}")
    for at, what, how in _steps(way) if way else []:
        stamp = f"{clock(at)}.{int(at * 1000) % 1000:03d}"
        text.append(f"\n{stamp}  ", style=f"not bold {paint('dim')}").append(what.ljust(12), style="not bold")
        text.append(plain(how), style=f"not bold {paint('dim')}")
    return text


def _steps(way: Trace) -> list[tuple[float, str, str]]:
    message = way.message
    steps = [(message.received_at, "received", f"on {message.channel} from {message.sender} ({way.cause})")]
    steps += [(note.at, note.event, note.detail) for note in way.notes]
    steps += [(turn.at, "turn", f"{turn.cause}, prompt {turn.prompt_id}") for turn in way.turns]
    for one in way.deliveries:
        steps.append((one.created_at, "reply", f"{one.reply.id} for out.{one.reply.channel}"))
        if one.delivered_at is not None:
            steps.append((one.delivered_at, "taken", one.reply.id))
    return sorted(steps)
