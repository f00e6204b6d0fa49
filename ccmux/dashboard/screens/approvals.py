"""What Claude waits for, in full, with the answer a key away. A key is only ever meant for the one that is shown."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from ccmux.core.asking import words
from ccmux.core.permission import questions
from ccmux.dashboard import reading
from ccmux.dashboard.reading import Asked
from ccmux.dashboard.screens.ask import Compose, Wanted
from ccmux.dashboard.screens.listing import OfJournals
from ccmux.dashboard.widgets.columns import Cell, Column, Line
from ccmux.dashboard.words import age, block, plain, span
from ccmux.model.approval import Kind

_SENDS = "enter sends · ctrl+j new line · esc back"


class Approvals(OfJournals[Asked]):
    """Open ones, oldest first."""

    HEADING = "approvals"
    NOTHING = "Nothing waits for an answer."
    COLUMNS: ClassVar = (
        Column("CODE", 4),
        Column("INSTANCE", 10, grow=1, most=24),
        Column("WANTS", 8, grow=1, most=20),
        Column("WHAT", 14, rank=3, grow=6),
        Column("FOR", 10, rank=4, grow=1, most=24),
        Column("AGE", 4, rank=1, right=True),
        Column("LEFT", 4, rank=2, right=True),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "allow(False)", "Allow"),
        Binding("Y", "allow(True)", "For this conversation"),
        Binding("r", "answer", "Answer"),
        Binding("N", "deny", "Deny"),
    ]

    def read(self) -> dict[str, Asked]:
        """From the journals."""
        return {f"{one.instance} {one.approval.id}": one for one in reading.asked([*self.dashboard.board.instances])}

    def line(self, key: str, one: Asked) -> Line:
        """What is asked, in one line."""
        now, approval = self.dashboard.clock(), one.approval
        body = words(approval, one.instance).split("\n")[1:-1]
        tool = approval.asked.kind if approval.asked.kind is not Kind.TOOL else approval.asked.tool
        left = approval.expires_at - now
        cells = (
            Cell(approval.code, "accent"),
            Cell(one.instance, "strong"),
            Cell(plain(tool), "warn"),
            Cell(plain(" ".join(part.strip() for part in body))),
            Cell(plain(approval.cause.sender), "dim"),
            Cell(age(approval.created_at, now), "dim"),
            Cell(span(left), "bad" if left < 300 else "dim"),  # noqa: PLR2004 - five minutes are soon
        )
        return Line(key, cells)

    def full(self, one: Asked) -> Text:
        """Nothing of it is hidden."""
        head, *body, _ = words(one.approval, one.instance).split("\n")
        keys = {
            Kind.TOOL: "y allow · Y allow the same in this conversation · N deny",
            Kind.QUESTION: "r answer · N deny",
            Kind.PLAN: "y allow · N deny",
        }[one.approval.asked.kind]
        text = Text(plain(head), style="bold")
        text.append(f"\n\n{block(chr(10).join(body))}\n\n", style="not bold")
        return text.append(keys, style=f"not bold {self.dashboard.paint('accent')}")

    def action_allow(self, session: bool) -> None:
        """It may."""
        one = self.one
        if one is None:
            return
        if one.approval.asked.kind is Kind.QUESTION:
            self.action_answer()
            return
        act = partial(self.dashboard.acts.approve, one.instance, one.approval.id, session=session)
        self.dashboard.later(self.dashboard.doing(act))

    def action_answer(self) -> None:
        """A line for each part of a question."""
        one = self.one
        if one is None:
            return
        parts = len(questions(one.approval.asked.input))
        if one.approval.asked.kind is not Kind.QUESTION or not parts:
            self.dashboard.tell("this is no question: y allows it, N denies it")
            return

        def done(text: str | None) -> None:
            lines = [line.strip() for line in (text or "").split("\n")]
            answers = tuple(line for line in lines if line)
            if answers:
                act = partial(self.dashboard.acts.approve, one.instance, one.approval.id, answers=answers)
                self.dashboard.later(self.dashboard.doing(act))

        each = "an option's number, or text" if parts == 1 else f"{parts} lines, one for each part: a number, or text"
        above = block("\n".join(words(one.approval, one.instance).split("\n")[1:-1]))
        self.app.push_screen(Compose(Wanted(f"Answer {one.instance}: {each}", _SENDS), above), done)

    def action_deny(self) -> None:
        """It may not, and why."""
        one = self.one
        if one is None:
            return

        def done(reason: str | None) -> None:
            if reason is not None:
                act = partial(self.dashboard.acts.deny, one.instance, one.approval.id, reason.strip())
                self.dashboard.later(self.dashboard.doing(act))

        wanted = Wanted(
            f"Deny {one.approval.code} of {one.instance}", f"why (may be empty) · {_SENDS}", empty_is_fine=True
        )
        self.app.push_screen(Compose(wanted), done)
