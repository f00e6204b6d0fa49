"""The MCP server that Claude starts, by its lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ccmux.hooks import mcp

PROGRAM = Path(mcp.__file__)


def spoken(tmp_path: Path, role: str, *lines: str | dict[str, Any]) -> list[dict[str, Any]]:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    argv = [sys.executable, "-I", "-S", str(PROGRAM), role, str(tmp_path)]
    run = subprocess.run(argv, input=text, capture_output=True, text=True, check=True, timeout=30)
    assert run.stderr == ""
    return [json.loads(line) for line in run.stdout.splitlines()]


def call(name: str, **given: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": name, "arguments": given}}


def test_it_tells_its_version_and_the_tools_of_the_role(tmp_path: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    started = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    first, second = spoken(tmp_path, "project", hello, started, listing)
    assert first["result"]["protocolVersion"] == "2025-06-18"
    assert [tool["name"] for tool in second["result"]["tools"]] == ["report"]
    (third,) = spoken(tmp_path, "assistant", listing)
    assert [tool["name"] for tool in third["result"]["tools"]] == ["projects", "project_reports", "direct"]


def test_without_a_daemon_a_tool_says_so(tmp_path: Path) -> None:
    (told,) = spoken(tmp_path, "project", call("report", task="x"))
    assert told["result"]["isError"] is True
    assert "does not answer" in told["result"]["content"][0]["text"]


@pytest.mark.parametrize(
    "line", ["{", "[]", "3", '{"id": 1}', '{"id": 1, "method": 3}', '{"id": 1, "method": "no/such"}']
)
def test_what_is_no_request_is_answered_with_an_error(tmp_path: Path, line: str) -> None:
    wrong, right = spoken(tmp_path, "project", line, {"id": 2, "method": "ping"})
    assert wrong["error"]["code"] < 0
    assert right["result"] == {}


def test_a_tool_of_the_other_role_is_not_there(tmp_path: Path) -> None:
    (told,) = spoken(tmp_path, "project", call("direct", project="a", content="x"))
    assert "error" in told
