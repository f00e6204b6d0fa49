"""What cannot be tried as root: Claude refuses to root a mode in which it asks nobody."""

from __future__ import annotations

import json

from tests.lab.person import Person


def test_an_instance_that_asks_nobody_starts_without_a_dialog(alice: Person) -> None:
    session_id = alice.new("a")["session_id"]
    alice.run("config", "set", "a", "claude.permission_mode", "bypassPermissions", code=2)
    alice.run("config", "set", "a", "claude.accept_bypass", "true")
    alice.run("config", "set", "a", "claude.permission_mode", "bypassPermissions")
    alice.run("restart", "a", "--session")
    assert alice.back("a")["session_id"] == session_id
    steps = [{"tool": "Bash", "input": {"command": "echo unasked > unasked"}}, {"text": "done"}]
    work = f"work <<standin {json.dumps(steps)}>>"
    alice.run("send", "a", work)
    alice.answered("a", work)
    assert alice.does("cat", "src-a/unasked") == "unasked\n"
    assert alice.json("approvals")["approvals"] == []
    checks = json.loads(alice.run("doctor", "--json"))["checks"]
    assert [check["level"] for check in checks if check["id"] == "a.bypass"] == ["warn"]
