"""Run by Claude Code before a tool is used (`pre`), and when it is about to ask about one (`request`):
`python -I -S permit.py STAGE RUN SPOOL JOURNAL`.

Asks the daemon and waits until a person has answered. Says nothing where Claude's own rules or dialog shall decide. When the
daemon cannot be reached for PATIENCE seconds the tool is denied, but in a turn that a person typed at the terminal: that
keeps Claude's dialog. Whatever else fails, the tool is denied.
"""

import json
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - isolated mode leaves it out

from entry import pass_gate  # type: ignore[import-not-found]

PATIENCE = 10.0
"""Seconds without a word from the daemon: a restart takes one or two, and while a person thinks it speaks every second."""
AGAIN = 0.2
BLOCK = 2
"""The exit status by which a PreToolUse hook stops the tool."""


def main(stage: str, run: str, spool: str, journal: str) -> None:
    """Print the decision, or nothing."""
    payload = json.loads(sys.stdin.buffer.read())
    if stage == "pre":
        pass_gate(os.path.join(run, "gate"))  # noqa: PTH118 - pathlib would double the cost of a hook
    answer = ask(run, stage, payload)
    if answer is None:
        if typed_at_the_terminal(payload, spool, journal):
            return
        answer = {"decision": "deny", "reason": "nobody can be asked: the daemon of ccmux does not answer"}
    if answer["decision"]:
        sys.stdout.write(json.dumps(output(stage, answer, payload.get("tool_input", {}))))


def control_socket(run: str) -> str:
    """`run/control.sock`, or where `run/sockets` says: a path may be too long for a socket."""
    record = os.path.join(run, "sockets")  # noqa: PTH118
    if os.path.exists(record):  # noqa: PTH110
        with open(record, encoding="utf-8") as file:  # noqa: PTH123
            run = file.read().strip()
    return os.path.join(run, "control.sock")  # noqa: PTH118


def ask(run: str, stage: str, payload: dict) -> dict | None:  # type: ignore[type-arg]
    """The daemon's answer, however long a person takes; None when no daemon can be reached."""
    key = os.urandom(8).hex()
    request = json.dumps({"op": "permit", "stage": stage, "key": key, "payload": payload}).encode() + b"\n"
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(max(0.1, give_up - time.monotonic()))
                client.connect(control_socket(run))
                client.sendall(request)
                with client.makefile("rb") as lines:
                    while line := lines.readline():
                        answer = json.loads(line)
                        if "failed" in answer:
                            return {"decision": "deny", "reason": str(answer["failed"].get("what", ""))}
                        if "decision" in answer:
                            return answer  # type: ignore[no-any-return]
                        if nobody_listens():
                            sys.exit(0)
                        give_up = time.monotonic() + PATIENCE
                        client.settimeout(PATIENCE)
        except OSError:
            time.sleep(AGAIN)
        else:
            time.sleep(AGAIN)
    return None


def nobody_listens() -> bool:
    """Whether the Claude that asked has ended: nobody reads what we would say."""
    watch = select.poll()
    watch.register(1, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0))


def typed_at_the_terminal(payload: dict, spool: str, journal: str) -> bool:  # type: ignore[type-arg]
    """Whether a person typed the prompt: the journal tells, or the hook's file that no daemon has read yet."""
    import glob  # noqa: PLC0415 - paid for only where no daemon runs
    import sqlite3  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415
    from urllib.parse import quote  # noqa: PLC0415

    prompt_id = payload.get("prompt_id", "")
    try:
        with closing(sqlite3.connect(f"file:{quote(journal)}?mode=ro", uri=True, timeout=2.0)) as db:
            row = db.execute("SELECT cause FROM turns WHERE prompt_id = ?", (prompt_id,)).fetchone()
            if row is not None:
                return bool(row[0] == "terminal")
    except sqlite3.Error as error:
        sys.stderr.write(f"ccmux hook: {error}\n")
    for name in sorted(glob.glob(os.path.join(glob.escape(spool), "[0-9]*.json"))):  # noqa: PTH118, PTH207
        with open(name, "rb") as file:  # noqa: PTH123
            told = json.loads(file.read())
        if told.get("hook_event_name") == "UserPromptSubmit" and told.get("prompt_id") == prompt_id:
            prompt = told.get("prompt", "")
            return "[ccmux channel=" not in prompt and not prompt.startswith("<task-notification>")
    return False


def output(stage: str, answer: dict, given: dict) -> dict:  # type: ignore[type-arg]
    """What Claude Code reads of a hook. `input` replaces what the tool was given: a question's answers."""
    allowed, reason = answer["decision"] == "allow", answer.get("reason", "")
    if stage == "pre":
        decision = {
            "hookEventName": "PreToolUse",
            "permissionDecision": answer["decision"],
            "permissionDecisionReason": reason,
        }
        if allowed and answer.get("input"):
            decision["updatedInput"] = answer["input"]
        return {"hookSpecificOutput": decision}
    told = (
        {"behavior": "allow", "updatedInput": answer.get("input") or given}
        if allowed
        else {"behavior": "deny", "message": reason}
    )
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": told}}


if __name__ == "__main__":
    try:
        main(*sys.argv[1:5])
    except Exception as error:  # noqa: BLE001 - whatever it is, the tool must not be used
        sys.stderr.write(f"ccmux: denied, for the hook failed: {type(error).__name__}: {error}\n")
        if sys.argv[1:2] == ["request"]:
            sys.stdout.write(
                json.dumps(output("request", {"decision": "deny", "reason": f"the hook failed: {error}"}, {}))
            )
            sys.exit(0)
        sys.exit(BLOCK)
