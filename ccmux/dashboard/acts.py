"""What a person does from the dashboard, by the same ways as the verbs. Blocking: call it in a thread."""

from __future__ import annotations

from typing import Any, Final

from ccmux.fleet.client import Client
from ccmux.managers import life
from ccmux.paths import InstancePaths

_WITHIN: Final = 30.0
"""Seconds: an order may wait for a calm moment."""
_DONE: Final = {
    "pause": "is paused: messages wait",
    "resume": "goes on",
    "interrupt": "was interrupted",
    "retry": "waits again",
    "drop": "is put away",
    "cancel": "is taken back",
}


class Acts:
    """Each says in one sentence what was done, and raises a CcmuxError when it was not."""

    def send(self, name: str, text: str) -> str:
        """A message, journalled before this returns."""
        taken = _ask(name, op="send", text=text)
        ahead = f", {taken['ahead']} before it" if taken["ahead"] else ""
        return f"{name} has it{ahead}: {taken['id']}"

    def direct(self, name: str, text: str) -> str:
        """A directive of yours to a project: its end stands in a report."""
        taken = _ask(name, op="direct", directive={"content": text})
        return f"{name} has the directive: {taken['id']}"

    def order(self, name: str, op: str) -> str:
        """Pause, resume, interrupt."""
        _ask(name, op=op)
        return f"{name} {_DONE[op]}"

    def desk(self, name: str, op: str, message_id: str) -> str:
        """Retry, drop or cancel one message."""
        _ask(name, op=op, id=message_id)
        return f"{message_id} of {name} {_DONE[op]}"

    def approve(self, name: str, approval: str, *, session: bool = False, answers: tuple[str, ...] = ()) -> str:
        """Allow it, or answer the question."""
        told = _ask(name, op="approve", id=approval, session=session, answers=answers)
        return f"{told['code']} of {name} is {'answered' if answers else 'allowed'}"

    def deny(self, name: str, approval: str, reason: str) -> str:
        """Deny it; Claude is told why."""
        told = _ask(name, op="deny", id=approval, reason=reason)
        return f"{told['code']} of {name} is denied"

    def start(self, name: str) -> str:
        """Daemon and session; forgives a fault."""
        begun = life.start(InstancePaths.of(name))
        return f"{name} {'is started' if begun else 'runs already'}"

    def restart(self, name: str, *, session: bool) -> str:
        """The daemon, and with `session` Claude, too."""
        life.restart(InstancePaths.of(name), session=session)
        return f"{name}: {'daemon and Claude' if session else 'daemon'} restarted"

    def stop(self, name: str) -> str:
        """Both; conversation and messages are kept."""
        return f"{name} {'is stopped' if life.stop(InstancePaths.of(name)) else 'did not run'}"


def _ask(name: str, **request: object) -> dict[str, Any]:
    with Client(InstancePaths.of(name), _WITHIN) as client:
        return client.ask(_WITHIN, **request)
