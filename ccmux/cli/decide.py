"""The instance that has an approval, by its id or code alone; and the answer to it."""

from __future__ import annotations

from ccmux.cli import render
from ccmux.cli.find import everywhere
from ccmux.errors import UsageError
from ccmux.fleet.client import Client
from ccmux.journal.history import approval
from ccmux.model.approval import Approval, ApprovalState
from ccmux.paths import InstancePaths


def decide(name: str, op: str, *, reason: str, session: bool = False, answers: tuple[str, ...] = ()) -> str:
    """Answer it, and say what was done. Raises Refused when somebody was faster."""
    paths, found = _find(name)
    with Client(paths) as client:
        client.ask(op=op, id=found.id, reason=reason, session=session, answers=answers)
    return f"{found.code} of {paths.name} ({render.plain(found.asked.tool)}) is {'allowed' if op == 'approve' else 'denied'}"


def _find(name: str) -> tuple[InstancePaths, Approval]:
    found = everywhere(lambda journal: approval(journal, name), f"an approval {name!a}", "ccmux approvals shows them")
    still = [pair for pair in found if pair[1].state is ApprovalState.OPEN] or found[:1]
    if len(still) > 1:
        names = ", ".join(f"{one.id} of {paths.name}" for paths, one in still)
        raise UsageError(f"{name} is the code of several: {names}", fix="say the id")
    return still[0]
